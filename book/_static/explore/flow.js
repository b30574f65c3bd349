// Chapter 6: depth, gain, bias and activation, and what a gradient is on its way back through the layers.

import { buttons, chart, choice, element, fixed, frame, legend, power, range, short } from "./kit.js";
import { pass } from "./network.js";

const FLOOR = 1e-16; // below, a spread is rounding

export default function mount(parent) {
  const state = { layers: 20, gain: 1, activation: "sigmoid", bias: 0, seed: 0 };
  const { controls, stage, say } = frame(parent, "A deep network before training");
  range(controls, {
    label: "hidden layers",
    min: 2,
    max: 30,
    step: 1,
    value: state.layers,
    text: (v) => fixed(v, 0),
    oninput: (layers) => update({ layers }),
  });
  range(controls, {
    label: "gain",
    min: -4,
    max: 12,
    step: 1,
    value: 0,
    text: (v) => short(2 ** (v / 4), 3),
    oninput: (v) => update({ gain: 2 ** (v / 4) }),
  });
  choice(controls, {
    label: "activation",
    options: ["sigmoid", "tanh", "relu", "elu", "silu"].map((name) => [name, name]),
    value: state.activation,
    onchange: (activation) => update({ activation }),
  });
  choice(controls, {
    label: "bias",
    options: [["0", "0"], ["centred", "centred"], ["-2", "−2"], ["-1", "−1"], ["1", "1"], ["2", "2"]],
    value: "0",
    onchange: (bias) => update({ bias: bias === "centred" ? bias : Number(bias) }),
  });
  buttons(controls, [
    ["Keep this curve to compare", () => keep(now)],
    ["Draw other weights", () => update({ seed: state.seed + 1 })],
  ]);

  const row = stage.appendChild(element("div", "explorable-pair"));
  const panel = (label, ylabel, draw) =>
    chart(row, { label, ylabel, xlabel: "hidden layer", height: 300, x: [0.5, 20.5], y: [1e-3, 10], ylog: true, draw });
  const numbered = (values) => values.map((value, l) => [l + 1, value]);
  const back = panel("Length of the signal in each hidden layer, relative to the last one; logarithmic.", "back: signal, relative", (self) => {
    self.rule("one", [[null, 1, null, 1]]);
    self.curve("kept", kept ? numbered(relative(kept.signals)) : [], "series faint");
    self.curve("gradients", numbered(relative(now.gradients)), "series s2");
    self.curve("signals", numbered(relative(now.signals)), "series s1");
    self.marks("dots", numbered(relative(now.signals)), 1, "small");
  });
  const forth = panel("How far the activations of different samples are apart in each hidden layer; logarithmic.", "forward: spread", (self) => {
    self.curve("kept", kept ? numbered(kept.spreads.map(floored)) : [], "series faint");
    self.curve("spreads", numbered(now.spreads.map(floored)), "series s3");
  });
  legend(stage, [
    [1, "signal", true],
    [2, "gradient of the weights"],
    [3, "spread of the activations"],
    ["faint", "kept"],
  ]);

  let now, kept;

  function keep(what) {
    kept = what;
    update({});
  }

  function update(change) {
    Object.assign(state, change);
    now = { ...pass(state), layers: state.layers };
    const x = [0.5, Math.max(state.layers, kept?.layers ?? 0) + 0.5];
    const shown = [now, kept].filter(Boolean);
    back.axes({ x, ylog: true, ...decades(shown.flatMap((r) => [...relative(r.signals), ...relative(r.gradients)])) });
    forth.axes({ x, ylog: true, ...decades(shown.flatMap((r) => r.spreads.map(floored))) });
    back.redraw();
    forth.redraw();
    say(describe());
  }

  function describe() {
    const { layers, gain, activation, bias } = state;
    const left = relative(now.signals)[0];
    const factor = left ** (1 / (layers - 1));
    const verdict = factor < 0.9 ? "it vanishes" : factor > 1.1 ? "it explodes" : "it survives";
    const arrives = left > 0
      ? `The signal in the first layer is ${short(left, 2)} times that in the last, a factor of ${fixed(factor, 3)} a layer: ${verdict}.`
      : "Nothing arrives in the first layer: some layer is dead.";
    return (
      `${layers} hidden layers of ${activation}, gain ${short(gain, 3)}, bias ${String(bias).replace("-", "−")}. ${arrives} ` +
      `The spread in the last layer is ${now.spreads.at(-1) < FLOOR ? "0, up to rounding" : short(now.spreads.at(-1), 2)}.`
    );
  }
  update({});
}

const relative = (values) => values.map((value) => value / values.at(-1));
const floored = (spread) => Math.max(spread, FLOOR);

/** A logarithmic axis of whole powers of ten around the values, with a few of them named. */
function decades(values) {
  const powers = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  const low = Math.min(Math.floor(Math.min(0, ...powers)), -1);
  const high = Math.max(Math.ceil(Math.max(0, ...powers)), 1);
  const every = Math.ceil((high - low) / 6);
  const ticks = [];
  for (let k = low; k <= high; k++) if (k % every === 0) ticks.push([10 ** k, power(k).replace(/^.*×\u00a0/, "")]);
  return { y: [10 ** low, 10 ** high], yticks: ticks };
}
