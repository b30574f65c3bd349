// Chapter 5: the gates of an LSTM that has learned the adding problem, step by step, and what becomes of its answer when a
// gate is held open or shut. The weights come from tools/explore.py.

import { chart, choice, element, fixed, frame, legend, range } from "./kit.js";
import { answer, run } from "./lstm.js";

const DOORS = ["input", "forget", "output"];

export default async function mount(parent) {
  const { weights, read, sequences } = await (await fetch(new URL("adding.json", import.meta.url))).json();
  const state = { step: 9, sequence: 0, unit: 2, scope: "unit", input: "", forget: "", output: "" };
  const { controls, stage, say } = frame(parent, "Steps and gates");
  const steps = range(controls, {
    label: "step",
    min: 0,
    max: sequences[0].value.length - 1,
    step: 1,
    value: state.step,
    text: (v) => fixed(v, 0),
    oninput: (step) => update({ step }),
  });
  const list = (name, label, options) =>
    choice(controls, { label, options, value: state[name], onchange: (value) => update({ [name]: value }) });
  list("sequence", "sequence", sequences.map((_, i) => [i, `number ${i + 1}`]));
  for (const gate of DOORS) list(gate, `${gate} gate`, [["", "as learned"], ["1", "held open"], ["0", "held shut"]]);
  list("scope", "held in", [
    ["unit", "the unit shown, always"],
    ["step", "the unit shown, at this step"],
    ["all", "all units, always"],
  ]);
  list("unit", "unit shown", [0, 1, 2, 3].map((unit) => [unit, `unit ${unit}`]));

  const grid = stage.appendChild(element("div", "explorable-pair"));
  const panel = (label, ylabel, y, draw) =>
    chart(grid, { label, ylabel, xlabel: "step", height: 200, x: [-0.5, 21.5], y, draw });
  const marked = (self) => {
    const { mark } = sequences[state.sequence];
    self.rule("marks", mark.map((at) => [at, null, at, null]));
    self.rule("now", [[state.step, null, state.step, null]], "now");
  };
  const line = (self, key, values, look, series) => {
    const points = values.map((value, step) => [step, value]);
    self.curve(key, points, look);
    if (series) self.marks(`${key}-dots`, points, series, "small");
  };
  const panels = [
    panel("The value at each step; the two marked ones are squares.", "value that comes in", [-1.1, 1.1], (self) => {
      const { value, mark } = sequences[state.sequence];
      marked(self);
      self.rule("zero", [[null, 0, null, 0]]);
      self.rule("stems", value.map((v, step) => [step, 0, step, v]), "stem");
      const points = value.map((v, step) => [step, v]);
      self.marks("plain", points.filter(([step]) => !mark.includes(step)), 1, "small");
      self.marks("marked", mark.map((step) => [step, value[step]]), 2);
    }),
    panel("The three gates of the unit at each step.", "gates of the unit", [-0.05, 1.1], (self) => {
      marked(self);
      DOORS.forEach((gate, i) => line(self, gate, now.map((s) => s[gate][state.unit]), `series thin-dashes s${i + 1}`, i + 1));
    }),
    panel("The content of the unit's cell, and what it was without force.", "cell of the unit", [-1, 1], (self) => {
      marked(self);
      line(self, "learned", learned.map((s) => s.cell[state.unit]), "series faint");
      line(self, "cell", now.map((s) => s.cell[state.unit]), "series thin s1", 1);
    }),
    panel("The answer, if it were read at each step, and the target.", "answer", [0, 1], (self) => {
      const { target } = sequences[state.sequence];
      marked(self);
      self.rule("target", [[null, target, null, target]], "series s3");
      line(self, "learned", learned.map((s) => answer(read, s.hidden)), "series faint");
      line(self, "answer", now.map((s) => answer(read, s.hidden)), "series thin s1", 1);
    }),
  ];
  legend(stage, [
    [1, "input gate; cell; answer", true],
    [2, "forget gate; marked value", true],
    [3, "output gate; target", true],
    ["faint", "as learned"],
  ]);

  let now, learned;

  function update(change) {
    Object.assign(state, change);
    state.sequence = Number(state.sequence);
    state.unit = Number(state.unit);
    const { value, mark, target } = sequences[state.sequence];
    const last = value.length - 1;
    state.step = Math.min(state.step, last);
    steps.max = last;
    steps.set(state.step);
    const inputs = value.map((v, step) => [v, mark.includes(step) ? 1 : step === 0 || step === last ? -1 : 0]);
    const forced = DOORS.filter((gate) => state[gate] !== "").map((gate) => ({
      gate,
      value: Number(state[gate]),
      unit: state.scope === "all" ? -1 : state.unit,
      step: state.scope === "step" ? state.step : -1,
    }));
    learned = run(weights, inputs);
    now = run(weights, inputs, forced);
    const span = (rows, extra = []) => {
      const all = [...rows.flat(), ...extra];
      const [low, high] = [Math.min(...all), Math.max(...all)];
      const room = 0.08 * (high - low) + 0.02;
      return [low - room, high + room];
    };
    const x = [-0.5, last + 0.5];
    panels[0].axes({ x, y: [-1.1, 1.1] });
    panels[1].axes({ x, y: [-0.06, 1.06] });
    panels[2].axes({ x, y: span([now, learned].map((r) => r.map((s) => s.cell[state.unit])), [0]) });
    panels[3].axes({ x, y: span([now, learned].map((r) => r.map((s) => answer(read, s.hidden))), [target, 0.25, 0.75]) });
    for (const each of panels) each.redraw();
    const here = now[state.step];
    const text = (gate) => fixed(here[gate][state.unit]);
    const [given, was] = [now, learned].map((r) => fixed(answer(read, r[last].hidden), 3));
    say(
      `Step ${state.step}: value ${fixed(value[state.step])}${mark.includes(state.step) ? ", marked" : ""}. ` +
        `Unit ${state.unit}: input gate ${text("input")}, forget gate ${text("forget")}, output gate ${text("output")}, ` +
        `candidate ${text("candidate")}, cell ${text("cell")}. ` +
        `Answer at the end ${given}${forced.length ? `, as learned ${was}` : ""}; target ${fixed(target, 3)}.`,
    );
  }
  update({});
}
