// The sigmoid and its relatives, as course_lib/activations.py computes them. No drawing here: tests call these.
//
// V8, SpiderMonkey and JavaScriptCore compute exp, log1p and atanh to about one unit in the last place, as NumPy does;
// the formulas are written so that nothing cancels, which leaves a few units at most.

/** 1 / (1 + e^-x). The exponential is never above 1, and on the left its rounding reaches only a small second term. */
export function sigmoid(x) {
  const e = Math.exp(-Math.abs(x));
  const t = e / (1 + e);
  const lower = e < 0.5 ? e - e * t : t; // sigma(-|x|)
  return x >= 0 ? 1 - lower : x < 0 ? lower : NaN;
}

/** Slope of the sigmoid, s - s^2 with s = sigma(-|x|) below one half, so that nothing cancels. */
export function sigmoidDerivative(x) {
  const s = sigmoid(-Math.abs(x));
  return s - s * s;
}

/** log(1 + e^x). */
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log sigma(x). */
export const logSigmoid = (x) => -softplus(-x);

/** log(p / (1 - p)); from 1/5 on as 2 artanh(2p - 1), which keeps its digits near one half. */
export const logit = (p) => (p < 0.2 ? Math.log(p / (1 - p)) : 2 * Math.atanh(2 * (p - 0.5)));

/**
 * A sigmoid put in place, sigma(slope (x - midpoint) / temperature), at x: its log-odds, value and slope there, the odds,
 * and the slope at the midpoint, where it is steepest.
 */
export function placed(x, slope, midpoint, temperature) {
  const steepness = slope / temperature;
  const z = steepness * (x - midpoint);
  return { z, p: sigmoid(z), rise: steepness * sigmoidDerivative(z), odds: Math.exp(z), steepest: steepness / 4 };
}
