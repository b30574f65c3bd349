// The sigmoid in float16, float32 and float64: three ways to write it, and how far each result is from the exact value.
//
// Rounding. JavaScript computes in float64. A sum, product or quotient of two narrower numbers that is computed in float64
// and then rounded to their format is what one operation of that format gives, because 53 >= 2 * 24 + 2 (S. A. Figueroa,
// "When is double rounding innocuous?", SIGNUM Newsletter 30, 1995). exp is rounded once more after its own float64
// rounding, which a few arguments in a hundred million can notice. NumPy's own exp in float32 may be off by one or two ulp
// more, depending on the processor; what is shown here is the error of the formulas.
//
// The exact value comes from whole numbers of any length (BigInt), with 256 bits after the point. Nothing is rounded to a
// float before the error is known.

import { sigmoid } from "./maths.js";

/** Digits of the significand, exponents of the smallest normal number and of what overflows. */
export const FORMATS = {
  float16: { digits: 11, smallest: -14, overflow: 16 },
  float32: { digits: 24, smallest: -126, overflow: 128 },
  float64: { digits: 53, smallest: -1022, overflow: 1024 },
};

/** Round a float64 to the nearest number of a format, halves to even. */
export function round(x, format) {
  if (format === "float64" || x === 0 || !Number.isFinite(x)) return x;
  if (format === "float32") return Math.fround(x);
  const { digits, smallest, overflow } = FORMATS[format];
  const step = 2 ** (Math.max(exponent(x), smallest) - digits + 1);
  const even = 2 ** 52; // above it, float64 has whole numbers only, so the sum is rounded to one
  const size = (Math.abs(x) / step + even - even) * step;
  return Math.sign(x) * (size >= 2 ** overflow ? Infinity : size);
}

/** The e with 2^e <= |x| < 2^(e + 1), for x that is neither 0 nor subnormal in float64. */
function exponent(x) {
  return ((bits(x).high >>> 20) & 0x7ff) - 1023;
}

function bits(x) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return { high: view.getUint32(0), low: view.getUint32(4) };
}

/**
 * Three forms of the sigmoid at a number x of the format: 1 / (1 + exp(-x)), the same with x clipped to +-500, and the
 * course's, which computes in float64 from exp(-|x|) and rounds once. With each, whether exp has overflowed.
 */
export function forms(x, format) {
  const plain = (v) => {
    const e = round(Math.exp(-v), format);
    return { value: round(1 / round(1 + e, format), format), overflow: e === Infinity };
  };
  return {
    naive: plain(x),
    clipped: plain(Math.min(Math.max(x, -500), 500)),
    stable: { value: round(sigmoid(x), format), overflow: false },
  };
}

const POINT = 256n; // bits after the binary point
const ONE = 1n << POINT;

const LN2 = (() => {
  let [sum, power] = [0n, (2n * ONE) / 3n]; // 2 artanh(1/3) = 2/3 + 2/(3 * 3^3) + ...
  for (let k = 1n; power > 0n; k += 2n, power /= 9n) sum += power / k;
  return sum;
})();

/** A float64 as whole * 2^power, exactly. */
function exactly(x) {
  const { high, low } = bits(Math.abs(x));
  const e = high >>> 20;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(low);
  const whole = e ? fraction | (1n << 52n) : fraction;
  return { whole: x < 0 ? -whole : whole, power: BigInt(Math.max(e, 1) - 1075) };
}

const shift = (whole, by) => (by >= 0n ? whole << by : whole >> -by);

/** The sigmoid of a finite x as a fraction of two whole numbers, right to more than 240 bits. */
export function exactSigmoid(x) {
  const { whole, power } = exactly(Math.abs(x));
  const a = shift(whole, power + POINT);
  const halvings = a / LN2;
  const r = (a - halvings * LN2) >> 8n; // e^-a = 2^-halvings (e^-r)^256
  let [e, term] = [ONE, ONE];
  for (let k = 1n; term !== 0n; k++) {
    term = (-term * r) / (k << POINT);
    e += term;
  }
  for (let i = 0; i < 8; i++) e = (e * e) >> POINT;
  const one = ONE << halvings;
  return { above: x < 0 ? e : one, below: one + e };
}

const length = (whole) => {
  const hex = whole.toString(16);
  return BigInt(4 * (hex.length - 1) + (32 - Math.clz32(parseInt(hex[0], 16))));
};

/** Distance of a result from the exact sigmoid of x, in units in the last place that the exact value has in the format. */
export function ulpError(value, x, format) {
  if (!Number.isFinite(value)) return Infinity;
  const { above, below } = exactSigmoid(x);
  let e = length(above) - length(below);
  if (shift(above, e < 0n ? -e : 0n) < shift(below, e > 0n ? e : 0n)) e -= 1n;
  const { digits, smallest } = FORMATS[format];
  const last = (e < BigInt(smallest) ? BigInt(smallest) : e) - BigInt(digits - 1);
  const { whole, power } = exactly(value);
  // |whole 2^power - above / below| / 2^last
  const room = 1400n;
  let difference = ((whole * below) << (power + room)) - (above << room);
  if (difference < 0n) difference = -difference;
  const ulp = shift(below, room + last);
  const large = difference / ulp;
  return large >> 64n ? Number(large) : Number((difference << 100n) / ulp) / 2 ** 100;
}

/** The exact sigmoid of x in decimals: a significand of `digits` digits and a power of ten. */
export function exactDecimal(x, digits = 7) {
  const { above, below } = exactSigmoid(x);
  let power = 0n;
  while (above * 10n ** (power + 1n) < below * 10n) power += 1n;
  const scaled = (above * 10n ** (power + BigInt(digits))) / below;
  let text = ((scaled + 5n) / 10n).toString();
  if (text.length > digits) [text, power] = [text.slice(0, digits), power - 1n];
  return { significand: `${text[0]}.${text.slice(1)}`, power: Number(-power) };
}
