// One pass forward and back through a deep network, as course_lib.networks.DeepNetwork takes it: Glorot's uniform weights
// times a gain, drawn from a seed.

import { sigmoid, sigmoidDerivative } from "./maths.js";
import { uniforms } from "./random.js";

const WIDTH = 48;
const SAMPLES = 48;
const LOGITS = 10;

const ACTIVATIONS = {
  sigmoid: { of: sigmoid, slope: sigmoidDerivative },
  tanh: { of: Math.tanh, slope: (z) => 4 * sigmoidDerivative(2 * z) },
  relu: { of: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  elu: { of: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z) => (z > 0 ? 1 : Math.exp(z)) },
  silu: { of: (z) => z * sigmoid(z), slope: (z) => sigmoid(z) + z * sigmoidDerivative(z) },
};

const streams = new Map();

/** The first `count` numbers of a seed, drawn when they are first asked for. */
function numbers(seed, count) {
  if (!streams.has(seed)) streams.set(seed, { next: uniforms(seed), values: [] });
  const { next, values } = streams.get(seed);
  while (values.length < count) values.push(next());
  return values;
}

/** `rows` x `columns` numbers times a factor, from place `start` of a seed's numbers. */
function matrix(seed, start, rows, columns, factor) {
  const values = numbers(seed, start + rows * columns);
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < out.length; i++) out[i] = factor * values[start + i];
  return out;
}

/** left (n x k) times right (k x m). */
function product(left, right, n, k, m) {
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) {
      const factor = left[i * k + l];
      for (let j = 0; j < m; j++) out[i * m + j] += factor * right[l * m + j];
    }
  }
  return out;
}

function transpose(values, rows, columns) {
  const out = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j];
  return out;
}

/** Euclidean norm, scaled so that no square overflows or underflows. */
function norm(values) {
  let peak = 0;
  for (const value of values) peak = Math.max(peak, Math.abs(value));
  if (peak === 0 || !Number.isFinite(peak)) return peak;
  let sum = 0;
  for (const value of values) sum += (value / peak) ** 2;
  return peak * Math.sqrt(sum);
}

/** Root mean square, over the units, of each one's standard deviation over the samples. */
function spread(activations) {
  let total = 0;
  for (let unit = 0; unit < WIDTH; unit++) {
    let mean = 0;
    for (let i = 0; i < SAMPLES; i++) mean += activations[i * WIDTH + unit] / SAMPLES;
    for (let i = 0; i < SAMPLES; i++) total += (activations[i * WIDTH + unit] - mean) ** 2 / SAMPLES;
  }
  return Math.sqrt(total / WIDTH);
}

/**
 * Send a batch forward and a signal back through `layers` hidden layers of 48 units, and on to 10 logits.
 *
 * `bias` is a number, or "centred". The batch and the signal at the logits are uniform with variance 1, from default_rng(1).
 * Returns, for each hidden layer, the norm of the back-propagated signal, that of the weights' gradient, and how far the
 * activations of different samples are apart.
 */
export function pass({ layers, activation, gain, bias, seed }) {
  const { of, slope } = ACTIVATIONS[activation];
  const hidden = WIDTH * WIDTH;
  const scale = gain * Math.sqrt(3) * Math.sqrt(2 / (WIDTH + WIDTH));
  const weights = Array.from({ length: layers }, (_, l) => matrix(seed, l * hidden, WIDTH, WIDTH, scale));
  const last = matrix(seed, layers * hidden, LOGITS, WIDTH, Math.sqrt(3) * Math.sqrt(2 / (WIDTH + LOGITS)));

  const inputs = [matrix(1, 0, SAMPLES, WIDTH, Math.sqrt(3))];
  const sums = [];
  const spreads = [];
  weights.forEach((weight, l) => {
    const z = product(inputs[l], transpose(weight, WIDTH, WIDTH), SAMPLES, WIDTH, WIDTH);
    for (let unit = 0; unit < WIDTH; unit++) {
      let offset = bias;
      if (bias === "centred") {
        offset = 0;
        if (l > 0) for (let j = 0; j < WIDTH; j++) offset -= of(0) * weight[unit * WIDTH + j];
      }
      for (let i = 0; i < SAMPLES; i++) z[i * WIDTH + unit] += offset;
    }
    sums.push(z);
    inputs.push(z.map(of));
    spreads.push(spread(inputs[l + 1]));
  });

  const signals = Array(layers);
  const gradients = Array(layers);
  let signal = product(matrix(1, SAMPLES * WIDTH, SAMPLES, LOGITS, Math.sqrt(3)), last, SAMPLES, LOGITS, WIDTH);
  for (let l = layers - 1; l >= 0; l--) {
    signal = signal.map((value, i) => value * slope(sums[l][i]));
    signals[l] = norm(signal);
    gradients[l] = norm(product(transpose(signal, SAMPLES, WIDTH), inputs[l], WIDTH, SAMPLES, WIDTH));
    if (l) signal = product(signal, weights[l], SAMPLES, WIDTH, WIDTH);
  }
  return { signals, gradients, spreads };
}
