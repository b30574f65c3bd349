// Logistic regression in the plane: the cost of course_lib/logistic.py, its minimum by Newton's method, and whether there
// is one at all.
//
// A row is [u, v]; its label is 0 or 1. C is the inverse strength of the penalty, Infinity for none.

import { sigmoid, softplus } from "./maths.js";

const DIMENSION = 3; // two weights and the intercept

const score = ([u, v], [a, b, c]) => a * u + b * v + c;
const sign = (label) => (label ? 1 : -1);

/** Mean cross-entropy, computed from the margins, plus |w|^2 / (2 C n). */
export function cost(rows, labels, C, theta) {
  const losses = rows.reduce((sum, row, i) => sum + softplus(-sign(labels[i]) * score(row, theta)), 0);
  return (losses + (theta[0] ** 2 + theta[1] ** 2) / (2 * C)) / rows.length;
}

/** Derivatives of the cost: gradient and Hessian. A right answer keeps its small residual, -t sigma(-margin). */
function derivatives(rows, labels, C, theta) {
  const n = rows.length;
  const gradient = [theta[0] / (C * n), theta[1] / (C * n), 0];
  const hessian = [
    [1 / (C * n), 0, 0],
    [0, 1 / (C * n), 0],
    [0, 0, 0],
  ];
  rows.forEach((row, i) => {
    const t = sign(labels[i]);
    const margin = t * score(row, theta);
    const miss = sigmoid(-margin);
    const curvature = miss * sigmoid(margin);
    const full = [...row, 1];
    for (let j = 0; j < DIMENSION; j++) {
      gradient[j] -= (t * miss * full[j]) / n;
      for (let k = 0; k < DIMENSION; k++) hessian[j][k] += (curvature * full[j] * full[k]) / n;
    }
  });
  return { gradient, hessian };
}

/** Solve a symmetric positive definite system by Cholesky's factors; null where it is singular. */
function solve(matrix, right) {
  const factor = matrix.map(() => Array(DIMENSION).fill(0));
  for (let j = 0; j < DIMENSION; j++) {
    for (let i = j; i < DIMENSION; i++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= factor[i][k] * factor[j][k];
      if (i === j && !(sum > 1e-13 * matrix[j][j])) return null;
      factor[i][j] = i === j ? Math.sqrt(sum) : sum / factor[j][j];
    }
  }
  const x = [...right];
  for (let i = 0; i < DIMENSION; i++) {
    for (let k = 0; k < i; k++) x[i] -= factor[i][k] * x[k];
    x[i] /= factor[i][i];
  }
  for (let i = DIMENSION - 1; i >= 0; i--) {
    for (let k = i + 1; k < DIMENSION; k++) x[i] -= factor[k][i] * x[k];
    x[i] /= factor[i][i];
  }
  return x;
}

/**
 * Minimise the cost from 0 by Newton's method, halving a step that does not lower it.
 *
 * Returns `theta` (two weights and the intercept), the cost and the number of steps; or null where the minimum is not a
 * single point, because there is no penalty and all rows lie on one line. Both classes have to be there; and without a
 * penalty ask `separation` first, for where the classes are separated there is nothing to find.
 */
export function fit(rows, labels, C) {
  let theta = [0, 0, 0];
  let here = cost(rows, labels, C, theta);
  for (let steps = 0; ; steps++) {
    const { gradient, hessian } = derivatives(rows, labels, C, theta);
    const step = solve(hessian, gradient.map((g) => -g));
    if (step === null) return null;
    const decrement = -gradient.reduce((sum, g, j) => sum + g * step[j], 0);
    let size = 1;
    let next, there;
    do {
      next = theta.map((value, j) => value + size * step[j]);
      there = cost(rows, labels, C, next);
      size /= 2;
    } while (!(there <= here * (1 + 1e-14) - 1e-4 * size * decrement) && size > 1e-10);
    [theta, here] = [next, there];
    // The squared distance to go: this last step has made 1e-20 of it 1e-40.
    if (decrement <= 1e-20 * here || steps === 200) return { theta, cost: here, steps: steps + 1 };
  }
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/**
 * Whether the classes are separated: a direction (two weights, intercept) along which no margin falls and some rises, so
 * that the unpenalised cost has no minimum (Albert and Anderson, 1984). Its kind is "complete" if every margin rises, else
 * "quasi-complete"; null if there is none.
 *
 * Exact for whole numbers up to 1000: the directions that lower no margin form a cone, whose edges are where two margins
 * stay at 0, and every sum below is a whole number that float64 holds.
 */
export function separation(rows, labels) {
  const margins = rows.map((row, i) => [...row, 1].map((value) => sign(labels[i]) * value));
  const first = margins[0];
  const second = margins.find((m) => cross(first, m).some((value) => value));
  if (second === undefined) return labels.every((label) => label === labels[0]) ? widest(margins, [first]) : null;
  const normal = cross(first, second);
  if (margins.some((m) => dot(normal, m))) {
    const edges = margins.flatMap((a, i) => margins.slice(i + 1).map((b) => cross(a, b)));
    return widest(margins, edges);
  }
  // All rows on one line: the same in the plane that `first` and `second` span.
  const flat = margins.map((m) => [dot(m, first), dot(m, second)]);
  const found = widest(flat, flat.map(([p, q]) => [-q, p]));
  return found && { ...found, direction: first.map((value, i) => value * found.direction[0] + second[i] * found.direction[1]) };
}

/** Add up all edges of the cone: their sum lifts every margin that any direction of it lifts. */
function widest(margins, edges) {
  const signed = edges.flatMap((edge) => [edge, edge.map((value) => -value)]);
  const kept = signed.filter((edge) => {
    const moves = margins.map((m) => dot(m, edge));
    return moves.every((move) => move >= 0) && moves.some((move) => move > 0);
  });
  if (!kept.length) return null;
  const unit = kept.map((edge) => edge.map((value) => value / Math.hypot(...edge)));
  const direction = edges[0].map((_, j) => unit.reduce((sum, edge) => sum + edge[j], 0));
  const lifted = margins.filter((m) => kept.some((edge) => dot(m, edge) > 0));
  return { kind: lifted.length === margins.length ? "complete" : "quasi-complete", direction };
}
