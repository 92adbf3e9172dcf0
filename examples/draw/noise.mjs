/**
 * Returns a generator of pseudo-random numbers in [0, 1): mulberry32.
 * @param {number} seed
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Returns smooth value noise in [-1, 1]: random values at integer coordinates, interpolated between.
 * @param {number} seed
 * @returns {(x: number, y: number) => number}
 */
export function valueNoise(seed) {
  const random = randomNumbers(seed);
  const values = Float64Array.from({ length: 4096 }, () => 2 * random() - 1);
  const at = (i, j) => values[(Math.imul(i, 374761393) ^ Math.imul(j, 668265263) ^ (i * j)) & 4095];
  const ease = (t) => t * t * t * (t * (6 * t - 15) + 10);
  return (x, y) => {
    const i = Math.floor(x);
    const j = Math.floor(y);
    const u = ease(x - i);
    const v = ease(y - j);
    const top = at(i, j) * (1 - u) + at(i + 1, j) * u;
    const bottom = at(i, j + 1) * (1 - u) + at(i + 1, j + 1) * u;
    return top * (1 - v) + bottom * v;
  };
}

/**
 * Sums octaves of noise, each with twice the frequency and half the amplitude of the previous one.
 * @param {(x: number, y: number) => number} noise
 * @param {number} octaves
 */
export function fractal(noise, octaves) {
  return (x, y) => {
    let sum = 0;
    let strength = 1;
    let total = 0;
    for (let octave = 0; octave < octaves; octave += 1) {
      const scale = 2 ** octave;
      sum += strength * noise(x * scale + 17 * octave, y * scale - 31 * octave);
      total += strength;
      strength /= 2;
    }
    return sum / total;
  };
}
