// NumPy's random numbers: default_rng(seed).uniform(-1, 1), bit for bit, so that a network drawn here has the weights that
// course_lib draws. PCG64 is PCG XSL RR 128/64 of M. E. O'Neill ("PCG: a family of simple fast space-efficient statistically
// good algorithms for random number generation", 2014); the seed is spread by NumPy's SeedSequence.

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** A function that returns the next number of default_rng(seed).uniform(-1, 1); `seed` is below 2^32. */
export function uniforms(seed) {
  const [a, b, c, d] = spread(seed);
  const increment = ((((c << 64n) | d) << 1n) | 1n) & MASK128;
  const step = (state) => (state * MULTIPLIER + increment) & MASK128;
  let state = step((increment + ((a << 64n) | b)) & MASK128);
  return () => {
    state = step(state);
    const mixed = (state >> 64n) ^ (state & MASK64);
    const turn = state >> 122n;
    const bits = ((mixed >> turn) | (mixed << (64n - turn))) & MASK64;
    return -1 + 2 * (Number(bits >> 11n) * 2 ** -53);
  };
}

/** `count` numbers of default_rng(seed).uniform(-1, 1). */
export function draw(seed, count) {
  const next = uniforms(seed);
  return Array.from({ length: count }, next);
}

/** SeedSequence(seed).generate_state(4, uint64). */
function spread(seed) {
  let constant = 0x43b0d7e5;
  const hash = (value, multiplier) => {
    value ^= constant;
    constant = Math.imul(constant, multiplier);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return value ^ (value >>> 16);
  };
  const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from], 0x931e8875));
  }
  constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => BigInt(hash(pool[i % 4], 0x58f38ded) >>> 0));
  return [0, 1, 2, 3].map((i) => words[2 * i] | (words[2 * i + 1] << 32n));
}
