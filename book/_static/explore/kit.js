// What the explorables share: controls that are native inputs with labels, charts that follow the width of the page,
// and a summary in words for whoever does not see them.

import { axisBottom, axisLeft, format, line, scaleLinear, scaleLog, select } from "./d3.js";

let ids = 0;

/** A number as the course prints it: `digits` after the point, and a real minus sign. */
export const fixed = (value, digits = 2) => format(`.${digits}f`)(Object.is(value, -0) ? 0 : value).replace(/^−(0\.?0*)$/, "$1");

/** A number of any size: three significant digits, powers of ten where they help, and the names of the infinities. */
export function short(value, digits = 3) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    return format(`.${digits - 1}e`)(value).replace(/e(.\d+)/, (_, exponent) => power(Number(exponent.replace("−", "-"))));
  }
  return format(`.${digits}r`)(value);
}

/** " × 10" and an exponent, not to be broken over two lines. */
export const power = (exponent) =>
  `\u00a0×\u00a010${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;

/** Make an element with a class, some properties and children. */
export function element(tag, className, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/**
 * The frame of an explorable: a group of controls, a stage for charts, and a summary that screen readers speak.
 * `say` waits until the hand has come to rest, so that a moving slider does not speak at every step.
 */
export function frame(parent, label) {
  const controls = element("div", "explorable-controls");
  controls.setAttribute("role", "group");
  controls.setAttribute("aria-label", label);
  const stage = element("div", "explorable-stage");
  const summary = element("p", "explorable-summary");
  summary.setAttribute("role", "status");
  parent.append(controls, stage, summary);
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    if (!summary.textContent) summary.textContent = text;
    else timer = setTimeout(() => (summary.textContent = text), 350);
  };
  return { controls, stage, say };
}

/** A slider with its name and its value in words. Returns the input; set `value` with `.set(v)`. */
export function range(parent, { label, min, max, step, value, text = (v) => fixed(v), oninput }) {
  const id = `explore-control-${++ids}`;
  const input = element("input", "", { id, type: "range", min, max, step });
  const output = element("span", "explorable-value");
  output.setAttribute("aria-hidden", "true"); // the slider says it itself
  const show = () => {
    output.textContent = text(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.set = (v) => {
    input.value = v;
    show();
  };
  input.set(value);
  input.addEventListener("input", () => {
    show();
    oninput(input.valueAsNumber);
  });
  const name = element("label", "", { htmlFor: id, textContent: label });
  parent.append(element("div", "explorable-control", {}, name, output, input));
  return input;
}

/** A list to choose from; `options` are pairs of a value and what is shown. */
export function choice(parent, { label, options, value, onchange }) {
  const id = `explore-control-${++ids}`;
  const input = element("select", "", { id });
  input.append(...options.map(([v, text]) => element("option", "", { value: v, textContent: text })));
  input.value = value;
  input.addEventListener("change", () => onchange(input.value));
  parent.append(element("div", "explorable-control", {}, element("label", "", { htmlFor: id, textContent: label }), input));
  return input;
}

/** A row of buttons: pairs of what is shown and what is done. */
export function buttons(parent, actions) {
  const row = element("div", "explorable-buttons");
  for (const [textContent, onclick] of actions) row.append(element("button", "", { type: "button", textContent, onclick }));
  parent.append(row);
  return row;
}

/** Names of the series, each with a piece of its line and, where given, its marker. */
export function legend(parent, names) {
  const list = element("ul", "explorable-legend");
  for (const [series, text, marker] of names) {
    const item = element("li");
    const svg = select(item).append("svg").attr("width", 34).attr("height", 14).attr("aria-hidden", "true");
    if (marker !== "only") svg.append("path").attr("class", `series s${series}`).attr("d", "M1,7H33");
    if (marker) svg.append("path").attr("class", `mark s${series}`).attr("transform", "translate(17,7)").attr("d", MARKS[series]);
    item.append(text);
    list.append(item);
  }
  parent.append(list);
  return list;
}

/** Fill a table: names of the columns, and rows of texts that begin with the row's name. */
export function tabulate(table, head, rows) {
  const name = (textContent, scope) => {
    const th = element("th", "", { textContent });
    th.setAttribute("scope", scope);
    return th;
  };
  const body = rows.map(([first, ...rest]) =>
    element("tr", "", {}, name(first, "row"), ...rest.map((textContent) => element("td", "", { textContent }))),
  );
  const top = element("tr", "", {}, ...head.map((text) => name(text, "col")));
  table.replaceChildren(element("thead", "", {}, top), element("tbody", "", {}, ...body));
}

/** Markers by series, as paths around 0: circle, square, diamond, triangle. */
export const MARKS = {
  1: "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0",
  2: "M-4,-4h8v8h-8z",
  3: "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
  4: "M0,-5.5l5,9h-10z",
};

const MARGIN = { top: 26, right: 14, bottom: 40, left: 50 };

/**
 * A chart with two axes that keeps the width of its parent; `draw(chart)` is called at each change of size.
 *
 * What is drawn has a key, and drawing again under the same key moves it: `curve`, `rule`, `marks`, `note`. Only the
 * plot's own rectangle is drawn on; what leaves it is cut off. `interactive` charts hold points that can be dragged, so
 * that they are groups to a screen reader; the others are images with the text `label`.
 */
export function chart(parent, { label, xlabel, ylabel, height = 270, interactive = false, draw, ...axes }) {
  const holder = element("div", "explorable-chart");
  parent.append(holder);
  const svg = select(holder).append("svg").attr("height", height);
  svg.attr("role", interactive ? "group" : "img").attr("aria-label", label);
  const id = `explore-clip-${++ids}`;
  const clip = svg.append("clipPath").attr("id", id).append("rect");
  const grid = { x: svg.append("g").attr("class", "axis"), y: svg.append("g").attr("class", "axis") };
  const names = { x: svg.append("text").attr("class", "name"), y: svg.append("text").attr("class", "name") };
  const layer = svg.append("g").attr("clip-path", `url(#${id})`);
  const free = svg.append("g"); // not cut off
  const self = { svg, free, width: 0, height };

  /** Say what the axes run over; `log` and `ticks` (pairs of a place and its text) are optional. */
  self.axes = ({ x, y, xlog, ylog, xticks, yticks }) => {
    self.domain = { x, y };
    self.x = (xlog ? scaleLog() : scaleLinear()).domain(x);
    self.y = (ylog ? scaleLog() : scaleLinear()).domain(y);
    self.ticks = { x: xticks, y: yticks };
    self.log = { x: xlog, y: ylog };
    if (self.width) frameUp();
  };
  self.names = (x, y) => {
    names.x.text(x);
    names.y.text(y);
  };

  function frameUp() {
    const { left, right, top, bottom } = MARGIN;
    const inner = { right: self.width - right, bottom: height - bottom };
    svg.attr("width", self.width).attr("viewBox", `0 0 ${self.width} ${height}`);
    self.x.range([left, inner.right]);
    self.y.range([inner.bottom, top]);
    clip.attr("x", left).attr("y", top).attr("width", inner.right - left).attr("height", inner.bottom - top);
    const tick = (axis, ticks, count, log) => {
      axis.tickSizeOuter(0).tickPadding(6);
      if (ticks) axis.tickValues(ticks.map(([at]) => at)).tickFormat((at) => ticks.find(([v]) => v === at)[1]);
      else axis.ticks(count, log ? "~e" : undefined);
      return axis;
    };
    const across = Math.max(3, Math.round((inner.right - left) / 70));
    grid.x.attr("transform", `translate(0,${inner.bottom})`).call(tick(axisBottom(self.x), self.ticks.x, across, self.log.x));
    grid.y.attr("transform", `translate(${left},0)`).call(tick(axisLeft(self.y), self.ticks.y, 5, self.log.y));
    names.x.attr("x", inner.right).attr("y", height - 4).attr("text-anchor", "end");
    names.y.attr("x", 4).attr("y", 14);
  }

  const keyed = (group, tag, key, data) => group.selectAll(`${tag}.k-${key}`).data(data).join(tag);

  /** A line through `points`, pairs of data values; null breaks it. */
  self.curve = (key, points, className) => {
    const path = line(([x]) => self.x(x), ([, y]) => self.y(y)).defined(([, y]) => Number.isFinite(self.y(y)));
    keyed(layer, "path", key, [points]).attr("class", `k-${key} ${className}`).attr("d", path);
  };
  /** Straight lines, each [x1, y1, x2, y2]; null stands for the edge of the plot. */
  self.rule = (key, lines, className = "rule") => {
    const [x0, x1] = self.domain.x;
    const [y0, y1] = self.domain.y;
    keyed(layer, "line", key, lines)
      .attr("class", `k-${key} ${className}`)
      .attr("x1", (l) => self.x(l[0] ?? x0))
      .attr("y1", (l) => self.y(l[1] ?? y0))
      .attr("x2", (l) => self.x(l[2] ?? x1))
      .attr("y2", (l) => self.y(l[3] ?? y1));
  };
  /** Markers at `points`, in the shape of their series. */
  self.marks = (key, points, series, className = "") => {
    keyed(free, "path", key, points.filter(([x, y]) => Number.isFinite(self.x(x)) && Number.isFinite(self.y(y))))
      .attr("class", `k-${key} mark s${series} ${className}`)
      .attr("d", MARKS[series])
      .attr("transform", ([x, y]) => `translate(${self.x(x)},${self.y(y)})`);
  };
  /** Words in the plot: [x, y, text], moved by `dx`, `dy` pixels. */
  self.note = (key, notes, { dx = 0, dy = 0, anchor = "start", className = "" } = {}) => {
    keyed(free, "text", key, notes)
      .attr("class", `k-${key} note ${className}`)
      .attr("x", ([x]) => self.x(x) + dx)
      .attr("y", ([, y]) => self.y(y) + dy)
      .attr("text-anchor", anchor)
      .text(([, , text]) => text);
  };
  self.redraw = () => self.width && draw(self);

  self.names(xlabel, ylabel);
  self.axes(axes);
  new ResizeObserver(() => {
    const width = Math.floor(holder.clientWidth);
    if (!width || width === self.width) return;
    self.width = width;
    frameUp();
    draw(self);
  }).observe(holder);
  return self;
}

/** `count` numbers from `from` to `to`, both included. */
export const linspace = (from, to, count) => Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
