// An LSTM layer, step by step, as course_lib.recurrent.LSTMCell computes it, with gates that can be forced.

import { sigmoid } from "./maths.js";

/** Parts of a step, in the order of the weights' rows. */
export const GATES = ["input", "forget", "candidate", "output"];

/**
 * Run a layer over a sequence from zeros.
 *
 * `weights` has PyTorch's four arrays. `forced` lists what is held: { gate, value, unit, step }, where a `unit` or `step`
 * of -1 means all of them. Returns an object for each step, with a number for each unit under the name of each gate, and
 * under "cell" and "hidden".
 */
export function run(weights, sequence, forced = []) {
  const { weight_ih_l0: W, weight_hh_l0: U, bias_ih_l0: b, bias_hh_l0: d } = weights;
  const units = U[0].length;
  const each = Array.from({ length: units }, (_, unit) => unit);
  let hidden = Array(units).fill(0);
  let cell = Array(units).fill(0);
  return sequence.map((x, step) => {
    const parts = {};
    GATES.forEach((gate, k) => {
      parts[gate] = each.map((unit) => {
        const held = forced.find(
          (f) => f.gate === gate && (f.unit === unit || f.unit === -1) && (f.step === step || f.step === -1),
        );
        if (held) return held.value;
        const row = k * units + unit;
        const z = dot(W[row], x) + b[row] + dot(U[row], hidden) + d[row];
        return gate === "candidate" ? Math.tanh(z) : sigmoid(z);
      });
    });
    cell = each.map((unit) => parts.forget[unit] * cell[unit] + parts.input[unit] * parts.candidate[unit]);
    hidden = each.map((unit) => parts.output[unit] * Math.tanh(cell[unit]));
    return { ...parts, cell, hidden };
  });
}

/** The answer that a linear read-out makes of a hidden state. */
export const answer = (read, hidden) => dot(read.weight, hidden) + read.bias;

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
