// Whether forecasts are calibrated, and what decisions made with them cost: as course_lib/calibration.py computes it.
//
// y holds 0 and 1, p the forecast probabilities of a 1.

import { sigmoid } from "./maths.js";

const Z95 = 1.959963984540054; // 97.5% of a standard normal lies below

/** Forecasts of scores, sigma(slope * z + intercept). */
export const forecasts = (scores, slope, intercept) => scores.map((z) => sigmoid(slope * z + intercept));

/**
 * Bins of equal width that hold samples, in order: mean forecast, share of positives, number of samples and Wilson's
 * interval. A bin holds its upper end and not its lower one; the first holds both.
 */
export function reliabilityCurve(y, p, bins) {
  const found = Array.from({ length: bins }, () => ({ count: 0, sum: 0, positives: 0 }));
  p.forEach((value, i) => {
    let index = 0;
    while (index < bins - 1 && (index + 1) * (1 / bins) < value) index++;
    found[index].count += 1;
    found[index].sum += value;
    found[index].positives += y[i];
  });
  return found
    .filter(({ count }) => count > 0)
    .map(({ count, sum, positives }) => ({
      predicted: sum / count,
      observed: positives / count,
      count,
      ...wilson(positives, count),
    }));
}

function wilson(positives, count) {
  const centre = (positives + Z95 ** 2 / 2) / (count + Z95 ** 2);
  const half = (Z95 / (count + Z95 ** 2)) * Math.sqrt((positives * (count - positives)) / count + Z95 ** 2 / 4);
  return { low: positives === 0 ? 0 : centre - half, high: positives === count ? 1 : centre + half };
}

/** Mean distance of the bins from the diagonal, weighted by their samples. */
export function expectedCalibrationError(y, p, bins) {
  const curve = reliabilityCurve(y, p, bins);
  return curve.reduce((sum, bin) => sum + bin.count * Math.abs(bin.observed - bin.predicted), 0) / y.length;
}

/** Mean squared distance of the forecasts from what happened. */
export const brierScore = (y, p) => p.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / y.length;

/** The 0s above a threshold, and the 1s at or below it. */
export function mistakes(y, p, threshold) {
  let [falseAlarms, misses] = [0, 0];
  p.forEach((value, i) => {
    if (value > threshold) falseAlarms += 1 - y[i];
    else misses += y[i];
  });
  return { falseAlarms, misses };
}

/** Mean cost a sample of acting when p > threshold. */
export function expectedCost(y, p, threshold, costFalseAlarm, costMiss) {
  const { falseAlarms, misses } = mistakes(y, p, threshold);
  return (costFalseAlarm / y.length) * falseAlarms + (costMiss / y.length) * misses;
}

/** The threshold for probabilities that are true, a / (a + m). */
export const bayesThreshold = (costFalseAlarm, costMiss) => costFalseAlarm / (costFalseAlarm + costMiss);

/** The threshold that would have cost least; of several, the one nearest to `bayesThreshold`. */
export function bestThreshold(y, p, costFalseAlarm, costMiss) {
  const values = [...new Set(p)].sort((a, b) => a - b);
  const cuts = [0, ...values].map((below, i) => {
    const above = values[i] ?? 1;
    const middle = below + (above - below) / 2;
    return middle < above ? middle : below; // half-way between neighbouring floats is one of them
  });
  if (values[0] === 0) cuts[0] = -Infinity;
  const costs = cuts.map((cut) => expectedCost(y, p, cut, costFalseAlarm, costMiss));
  const least = Math.min(...costs) * (1 + 1e-12);
  const away = (cut) => Math.abs(cut - bayesThreshold(costFalseAlarm, costMiss));
  return cuts.filter((_, i) => costs[i] <= least).reduce((best, cut) => (away(cut) < away(best) ? cut : best));
}
