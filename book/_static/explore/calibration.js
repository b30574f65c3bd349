// Chapter 4: a threshold and two costs, on the forecasts that naive Bayes makes of tumours, as they are and after Platt
// scaling. The scores come from tools/explore.py.

import {
  bayesThreshold,
  bestThreshold,
  expectedCalibrationError,
  expectedCost,
  forecasts,
  mistakes,
  reliabilityCurve,
} from "./forecasts.js";
import { chart, choice, element, fixed, frame, legend, linspace, range, short } from "./kit.js";

const CUTS = linspace(0.005, 0.995, 397);

export default async function mount(parent) {
  const data = await (await fetch(new URL("tumours.json", import.meta.url))).json();
  const y = data.malignant;
  const p = {
    bayes: forecasts(data.score, 1, 0),
    platt: forecasts(data.score, data.platt.slope, data.platt.intercept),
  };
  const state = { threshold: 0.5, forecaster: "bayes", alarm: 1, miss: 9, bins: 10 };
  const { controls, stage, say } = frame(parent, "Threshold and costs");
  const whole = (v) => fixed(v, 0);
  const slider = (name, label, min, max, step, text) =>
    range(controls, { label, min, max, step, text, value: state[name], oninput: (v) => update({ [name]: v }) });
  slider("threshold", "act when p is above", 0.01, 0.99, 0.01);
  choice(controls, {
    label: "forecasts",
    options: [["bayes", "naive Bayes as it is"], ["platt", "with Platt scaling"]],
    value: state.forecaster,
    onchange: (forecaster) => update({ forecaster }),
  });
  slider("alarm", "cost of a false alarm", 1, 20, 1, whole);
  slider("miss", "cost of a miss", 1, 20, 1, whole);
  slider("bins", "bins", 2, 20, 1, whole);

  const row = stage.appendChild(element("div", "explorable-pair"));
  const common = { x: [-0.02, 1.02], height: 310 };
  const diagram = chart(row, {
    ...common,
    label: "Reliability diagram: the share of malignant tumours against the forecast, in bins with their intervals.",
    xlabel: "forecast probability",
    ylabel: "share malignant",
    y: [-0.02, 1.02],
    draw(self) {
      const curve = reliabilityCurve(y, p[state.forecaster], state.bins);
      self.rule("diagonal", [[0, 0, 1, 1]]);
      self.rule("intervals", curve.map((b) => [b.predicted, b.low, b.predicted, b.high]), "interval s1");
      self.curve("curve", curve.map((b) => [b.predicted, b.observed]), "series thin s1");
      self.marks("bins", curve.map((b) => [b.predicted, b.observed]), 1);
      self.rule("cut", [[state.threshold, null, state.threshold, null]], "series s2");
    },
  });
  const costs = chart(row, {
    ...common,
    label: "Mean cost of a tumour against the threshold, with the lowest point and a / (a + m) marked.",
    xlabel: "threshold",
    ylabel: "cost a tumour",
    y: [0, 1],
    draw(self) {
      const at = (cut) => expectedCost(y, p[state.forecaster], cut, state.alarm, state.miss);
      const tau = bayesThreshold(state.alarm, state.miss);
      const best = bestThreshold(y, p[state.forecaster], state.alarm, state.miss);
      self.curve("cost", CUTS.map((cut) => [cut, at(cut)]), "series s1");
      self.rule("tau", [[tau, null, tau, null]], "series s3");
      self.rule("cut", [[state.threshold, null, state.threshold, null]], "series s2");
      self.marks("here", [[state.threshold, at(state.threshold)]], 2);
      self.marks("best", [[Math.max(best, 0), at(best)]], 4);
    },
  });
  legend(stage, [
    [2, "threshold", true],
    [3, "a/(a + m)"],
    [4, "cheapest here", "only"],
  ]);

  function update(change) {
    Object.assign(state, change);
    const forecast = p[state.forecaster];
    const dearest = Math.max(...CUTS.map((cut) => expectedCost(y, forecast, cut, state.alarm, state.miss)));
    costs.axes({ x: common.x, y: [0, dearest * 1.05] });
    diagram.redraw();
    costs.redraw();
    const { falseAlarms, misses } = mistakes(y, forecast, state.threshold);
    const acted = forecast.filter((value) => value > state.threshold).length;
    const best = bestThreshold(y, forecast, state.alarm, state.miss);
    const [here, there, tau] = [state.threshold, best, bayesThreshold(state.alarm, state.miss)].map((cut) =>
      fixed(expectedCost(y, forecast, cut, state.alarm, state.miss), 3),
    );
    say(
      `Above ${fixed(state.threshold)}: acts on ${acted} of ${y.length}, with ${falseAlarms} false ` +
        `alarm${falseAlarms === 1 ? "" : "s"} and ${misses} miss${misses === 1 ? "" : "es"}, at a cost of ${here} a tumour. ` +
        `At a/(a + m) = ${short(bayesThreshold(state.alarm, state.miss))} the cost is ${tau}; the cheapest threshold ` +
        `here is ${short(Math.max(best, 0))}, at ${there}. ` +
        `ECE in ${state.bins} bins: ${fixed(expectedCalibrationError(y, forecast, state.bins), 3)}.`,
    );
  }
  update({});
}
