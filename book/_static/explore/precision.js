// Chapter 2: three ways to write the sigmoid, in three formats, at an x that can be slid.

import { FORMATS, exactDecimal, forms, round, ulpError } from "./floats.js";
import { chart, choice, element, frame, linspace, power, range, short, tabulate } from "./kit.js";

const FORMS = [
  ["naive", "naive: 1 / (1 + exp(−x))"],
  ["clipped", "clipped: naive, x within ±500"],
  ["stable", "stable: the course’s, from exp(−|x|)"],
];
// How far the slider goes, and by what steps.
const REACH = { float16: [20, 1 / 16], float32: [110, 0.25], float64: [760, 1] };

const plain = (x) => String(x).replace("-", "−");
const inUlp = (error) => (error < 10 ? error.toFixed(2) : short(error, 2));

export default function mount(parent) {
  const state = { x: -100, format: "float32" };
  const { controls, stage, say } = frame(parent, "The sigmoid in floating point");
  const slider = range(controls, { label: "x", min: -110, max: 110, step: 0.25, value: state.x, text: plain, oninput: move });
  choice(controls, {
    label: "format",
    options: Object.keys(FORMATS).map((name) => [name, name]),
    value: state.format,
    onchange(format) {
      const [reach, step] = REACH[format];
      const share = state.x / REACH[state.format][0];
      state.format = format;
      move(Math.round((share * reach) / step) * step, true);
    },
  });
  const typed = element("input", "", { type: "number", id: "explore-precision-x", step: "any", min: -800, max: 800 });
  typed.addEventListener("change", () => Number.isFinite(typed.valueAsNumber) && move(typed.valueAsNumber, true));
  controls.append(
    element("div", "explorable-control", {}, element("label", "", { htmlFor: typed.id, textContent: "or type x" }), typed),
  );

  const plot = chart(stage, {
    label: "Error of each form against x: a strip for each, flat where it is right, full height where no digit is.",
    height: 300,
    xlabel: "x",
    ylabel: "error, from half an ulp to all digits wrong",
    x: [-110, 110],
    y: [0, 3],
    yticks: [],
    draw(self) {
      const found = strips(state.format);
      FORMS.forEach(([name, text], i) => {
        const base = 2 - i;
        const height = (error) => base + 0.02 + 0.6 * share(error, state.format);
        const top = found.map((row) => [row.x, height(row[name])]);
        self.curve(`area-${name}`, [[top[0][0], base + 0.02], ...top, [top.at(-1)[0], base + 0.02]], `strip s${i + 1}`);
        self.curve(`top-${name}`, top, `series thin s${i + 1}`);
        self.note(`name-${name}`, [[self.domain.x[0], base + 0.72, text]], { dx: 4 });
      });
      self.rule("here", [[state.x, 0, state.x, 3]]);
    },
  });
  const table = element("table", "explorable-table");
  stage.append(table);

  /** Go to the number of the format that is nearest to x. */
  function move(x, place = false) {
    const [reach, step] = REACH[state.format];
    state.x = round(Math.min(Math.max(x, -800), 800), state.format);
    if (place) {
      Object.assign(slider, { min: -reach, max: reach, step });
      slider.set(state.x);
      plot.axes({ x: [-reach, reach], y: [0, 3], yticks: [] });
    }
    if (document.activeElement !== typed) typed.value = state.x;
    plot.redraw();
    const results = forms(state.x, state.format);
    const exact = exactDecimal(state.x);
    const truth = exact.power > -4 ? short(Number(`${exact.significand}e${exact.power}`), 7) : exact.significand + power(exact.power);
    const rows = FORMS.map(([name]) => {
      const { value, overflow } = results[name];
      return [name, short(value, 7), inUlp(ulpError(value, state.x, state.format)), overflow ? "overflow" : "silent"];
    });
    tabulate(table, ["form", "result", "error, ulp", "exp is"], [...rows, ["exact", truth, "", ""]]);
    say(
      `${state.format}, x = ${plain(state.x)}. Exact: ${truth}. ` +
        rows.map(([name, value, ulp, says]) => `${name}: ${value}, off by ${ulp} ulp${says === "overflow" ? ", after an overflow" : ""}`).join("; ") +
        ".",
    );
  }
  move(state.x, true);
}

const kept = {};

/** Errors of the three forms over the slider's range, computed once a format. */
function strips(format) {
  kept[format] ??= linspace(-REACH[format][0], REACH[format][0], 305).map((at) => {
    const x = round(at, format);
    const results = forms(x, format);
    return { x, ...Object.fromEntries(FORMS.map(([name]) => [name, ulpError(results[name].value, x, format)])) };
  });
  return kept[format];
}

/** Logarithm of an error, as a share of the way from half an ulp to no digit left. */
function share(error, format) {
  const { digits } = FORMATS[format];
  return Math.log2(Math.min(Math.max(error, 0.5), 2 ** digits) / 0.5) / (digits + 1);
}
