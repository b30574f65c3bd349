// Chapter 3: points that can be dragged, the boundary that Newton's method finds for them, the loss, and separation.

import { drag, select } from "./d3.js";
import { buttons, chart, choice, element, fixed, frame, legend, linspace, range, short } from "./kit.js";
import { cost, fit, separation } from "./logistic.js";
import { softplus } from "./maths.js";

// In tenths, so that separation can be decided in whole numbers. The last number of each is the class.
const START = [
  ...[[-15, 30], [-8, 1], [-15, -16], [-11, -5], [-19, -21], [3, -16], [8, -38], [0, 4]].map((p) => [...p, 0]),
  ...[[8, 26], [11, 6], [3, 9], [-11, 24], [9, 13], [33, 1], [-15, 6], [25, -5]].map((p) => [...p, 1]),
];
const EDGE = 40;
const CROSS = "M-5,-5L5,5M-5,5L5,-5";
const DISC = "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

export default function mount(parent) {
  const state = { points: START.map((p) => [...p]), C: Infinity, length: 4, chosen: 0 };
  const { controls, stage, say } = frame(parent, "Logistic regression in the plane");
  choice(controls, {
    label: "penalty",
    options: [["Infinity", "none"], ["100", "weak, C = 100"], ["1", "C = 1"], ["0.01", "strong, C = 0.01"]],
    value: "Infinity",
    onchange: (C) => update({ C: Number(C) }),
  });
  const length = range(controls, {
    label: "length of w, when nothing holds it",
    min: 1,
    max: 20,
    step: 1,
    value: state.length,
    text: (v) => fixed(v, 0),
    oninput: (v) => update({ length: v }),
  });
  buttons(controls, [
    ["Change the class of the chosen point", () => flip(state.chosen)],
    ["Separate the classes", () => update({ points: apart() })],
    ["Start again", () => update({ points: START.map((p) => [...p]) })],
  ]);

  const row = stage.appendChild(element("div", "explorable-pair"));
  const reach = EDGE / 10;
  const plane = chart(row, {
    label: "The plane. Each point is a slider: arrow keys move it, the space bar changes its class.",
    interactive: true,
    height: 330,
    xlabel: "first feature",
    ylabel: "second feature",
    x: [-reach - 0.3, reach + 0.3],
    y: [-reach - 0.3, reach + 0.3],
    draw(self) {
      const { theta } = solved();
      for (const [key, logit, look] of [["low", -Math.log(9), "faint series"], ["high", Math.log(9), "faint series"], ["edge", 0, "series s3"]]) {
        self.curve(key, theta ? across(theta, logit) : [], look);
      }
      handles(self);
    },
  });
  const losses = chart(row, {
    label: "The loss of each point against its margin, on the curve softplus of minus the margin.",
    height: 330,
    xlabel: "margin",
    ylabel: "loss of a point",
    x: [-5, 10],
    y: [-0.2, 5.5],
    draw(self) {
      self.curve("loss", linspace(-6, 10, 161).map((m) => [m, softplus(-m)]), "series faint");
      self.rule("zero", [[0, null, 0, null]]);
      const { theta } = solved();
      for (const label of [0, 1]) {
        const points = theta ? state.points.filter((p) => p[2] === label) : [];
        const at = points.map((p) => Math.min(Math.max(margin(p, theta), -5), 10)); // beyond the plot: at its edge
        self.marks(`class${label}`, at.map((m) => [m, softplus(-m)]), label + 1, label ? "cross" : "");
        if (label) self.free.selectAll(".k-class1").attr("d", CROSS);
      }
    },
  });
  const names = legend(stage, [
    [3, "boundary, p = ½"],
    ["faint", "p = 0.1 and 0.9"],
    [1, "class 0", "only"],
    [2, "class 1", "only"],
  ]);
  select(names).select(".mark.s2").attr("d", CROSS).classed("cross", true);

  let solution;
  function solved() {
    if (solution) return solution;
    const rows = state.points.map(([u, v]) => [u / 10, v / 10]);
    const labels = state.points.map((p) => p[2]);
    if (new Set(labels).size === 1) return (solution = { theta: null, alone: true });
    const split = separation(state.points.map(([u, v]) => [u, v]), labels);
    if (split && state.C === Infinity) {
      const [a, b, c] = split.direction;
      const scale = state.length / Math.hypot(a, b);
      const theta = [a * scale, b * scale, (c * scale) / 10]; // the direction is for tenths
      return (solution = { split, theta, cost: cost(rows, labels, Infinity, theta) });
    }
    return (solution = { split, ...fit(rows, labels, state.C) });
  }

  const margin = ([u, v, label], [a, b, c]) => (label ? 1 : -1) * ((a * u + b * v) / 10 + c);

  /** Two ends of the line where the logit has a value, well outside the plot. */
  function across([a, b, c], logit) {
    const size = Math.hypot(a, b);
    if (size < 1e-9) return [];
    const [u, v] = [(a * (logit - c)) / size ** 2, (b * (logit - c)) / size ** 2];
    return [-30, 30].map((t) => [u - (b / size) * t, v + (a / size) * t]);
  }

  function handles(self) {
    const name = ([u, v, label]) => `${fixed(u / 10, 1)}, ${fixed(v / 10, 1)}, class ${label}`;
    const group = self.free
      .selectAll("g.handle")
      .data(state.points)
      .join((enter) => {
        const g = enter.append("g").attr("class", "handle").attr("role", "slider").attr("tabindex", 0);
        g.append("circle").attr("r", 14).attr("class", "reach");
        g.append("path");
        g.on("focus", (event) => choose(g.nodes().indexOf(event.currentTarget)));
        g.on("keydown", (event) => key(event, g.nodes().indexOf(event.currentTarget)));
        g.call(
          drag()
            .container(self.svg.node())
            .on("start", (event) => event.sourceEvent.target.closest("g").focus())
            .subject(({ x, y }) => ({ x, y })) // the finger, and not the point's own data
            .on("drag", function ({ x, y }) {
              place(g.nodes().indexOf(this), self.x.invert(x) * 10, self.y.invert(y) * 10);
            }),
        );
        return g;
      });
    group
      .attr("transform", ([u, v]) => `translate(${self.x(u / 10)},${self.y(v / 10)})`)
      .attr("aria-label", (_, i) => `point ${i + 1}`)
      .attr("aria-valuemin", -reach)
      .attr("aria-valuemax", reach)
      .attr("aria-valuenow", ([u]) => u / 10)
      .attr("aria-valuetext", name)
      .classed("chosen", (_, i) => i === state.chosen);
    group.select("path").attr("class", (p) => `mark s${p[2] + 1} ${p[2] ? "cross" : ""}`).attr("d", (p) => (p[2] ? CROSS : DISC));
  }

  function key(event, i) {
    const step = event.shiftKey ? 5 : 1;
    const [u, v] = state.points[i];
    if (event.key in ARROWS) place(i, u + step * ARROWS[event.key][0], v + step * ARROWS[event.key][1]);
    else if (event.key === " " || event.key === "Enter") flip(i);
    else return;
    event.preventDefault();
  }

  function choose(i) {
    state.chosen = i;
    plane.redraw();
  }

  function place(i, u, v) {
    const whole = (x) => Math.min(Math.max(Math.round(x), -EDGE), EDGE);
    update({ points: state.points.map((p, j) => (j === i ? [whole(u), whole(v), p[2]] : p)) });
  }

  function flip(i) {
    update({ points: state.points.map((p, j) => (j === i ? [p[0], p[1], 1 - p[2]] : p)) });
  }

  /** The first points, with a gap between the classes: those that stand in it or beyond are moved to its edge. */
  function apart() {
    return START.map(([u, v, label]) => [label ? Math.max(u, 3) : Math.min(u, -6), v, label]);
  }

  function update(change) {
    Object.assign(state, change);
    solution = undefined;
    const { split } = solved();
    length.disabled = !(split && state.C === Infinity);
    plane.redraw();
    losses.redraw();
    say(describe(solved()));
  }

  function describe({ alone, split, theta, cost: J, steps }) {
    if (alone) return "All points have one class, so there is nothing to tell apart. Change the class of one.";
    if (!theta) return "All points lie on one line and nothing is penalised, so no single boundary is best. Move a point.";
    const right = state.points.filter((p) => margin(p, theta) > 0).length;
    const sides = `${right} of ${state.points.length} points are on their side of the boundary`;
    const [a, b, c] = theta.map((value) => short(value));
    if (split && state.C === Infinity) {
      return (
        `Separated (${split.kind}): no minimum exists. At length ${state.length} along a separating direction ` +
        `the cost is ${short(J)}, and it ${split.kind === "complete" ? "falls towards 0" : "goes on falling"} as w grows; ${sides}.`
      );
    }
    return (
      `Cost ${short(J, 4)} after ${steps} Newton steps; w = (${a}, ${b}), intercept ${c}, length of w ` +
      `${short(Math.hypot(theta[0], theta[1]))}. ${sides}.${split ? " The classes are separated; only the penalty holds w." : ""}`
    );
  }
  update({});
}
