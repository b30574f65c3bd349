// Chapter 1: slope, shift and temperature, the tangent, and the same curve in log-odds.

import { chart, fixed, frame, legend, linspace, range, short } from "./kit.js";
import { placed, sigmoid } from "./maths.js";

const XS = linspace(-8, 8, 321);

export default function mount(parent) {
  const state = { slope: 1, midpoint: 0, temperature: 1, x: 1 };
  const { controls, stage, say } = frame(parent, "The curve and its tangent");
  const slider = (name, label, min, max, step) =>
    range(controls, { label, min, max, step, value: state[name], oninput: (v) => update({ [name]: v }) });
  slider("slope", "slope α", 0.25, 4, 0.25);
  slider("midpoint", "midpoint β", -4, 4, 0.25);
  slider("temperature", "temperature T", 0.25, 4, 0.25);
  slider("x", "tangent at x", -8, 8, 0.05);

  const at = (x) => placed(x, state.slope, state.midpoint, state.temperature);
  const row = stage.appendChild(Object.assign(document.createElement("div"), { className: "explorable-pair" }));
  const common = { xlabel: "x", x: [-8, 8] };
  const left = chart(row, {
    ...common,
    label: "The curve p against x with its tangent, and the plain sigmoid for comparison.",
    ylabel: "probability p",
    y: [-0.06, 1.06],
    draw(plot) {
      const { p, rise } = at(state.x);
      plot.rule("half", [[null, 0.5, null, 0.5]]);
      plot.curve("plain", XS.map((x) => [x, sigmoid(x)]), "series faint");
      plot.curve("curve", XS.map((x) => [x, at(x).p]), "series s1");
      plot.rule("tangent", [[-8, p + rise * (-8 - state.x), 8, p + rise * (8 - state.x)]], "series s2");
      plot.marks("point", [[state.x, p]], 1);
    },
  });
  const right = chart(row, {
    ...common,
    label: "The log-odds of p against x, a straight line, and those of the plain sigmoid.",
    ylabel: "log-odds z",
    y: [-8, 8],
    draw(plot) {
      plot.rule("half", [[null, 0, null, 0]]);
      plot.curve("plain", [-8, 8].map((x) => [x, x]), "series faint");
      plot.curve("curve", [-8, 8].map((x) => [x, at(x).z]), "series s1");
      const { z } = at(state.x);
      plot.marks("point", Math.abs(z) <= 8 ? [[state.x, z]] : [], 1);
    },
  });
  legend(stage, [
    [1, "p = σ(α(x − β)/T)"],
    [2, "tangent"],
    ["faint", "plain sigmoid"],
  ]);

  function update(change) {
    Object.assign(state, change);
    left.redraw();
    right.redraw();
    const { z, p, rise, odds, steepest } = at(state.x);
    say(
      `At x = ${fixed(state.x)} the log-odds are ${fixed(z)}, the odds ${short(odds)} to 1, p is ${short(p, 4)}, ` +
        `and the tangent rises by ${short(rise)} per unit of x. ` +
        `The curve crosses one half at x = ${fixed(state.midpoint)}, with slope ${short(steepest)}, its steepest.`,
    );
  }
  update({});
}
