import { luminance, type RgbPicture } from "./planes.ts";

const BLOCK = 16;

/**
 * Power at periods of 2 to 4 px against the style's own: 1 is as much as the style has, 2 twice as much.
 *
 * Weaves, checkerboards and speckles live there.
 */
export function artifactRatio(picture: RgbPicture, style: RgbPicture): number {
  return finePower(picture) / finePower(style);
}

/** The mean power of luminance at periods from 2 to 4 px, over blocks of 16 × 16 with a Hann window. */
function finePower(picture: RgbPicture): number {
  const { width, height, data } = luminance(picture);
  let [sum, blocks] = [0, 0];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      const block = new Float64Array(BLOCK * BLOCK);
      for (let y = 0; y < BLOCK; y++) {
        for (let x = 0; x < BLOCK; x++) {
          block[y * BLOCK + x] = (data[(top + y) * width + left + x] ?? 0) * hann(x) * hann(y);
        }
      }
      sum += blockPower(block);
      blocks += 1;
    }
  }
  return sum / blocks;
}

const hann = (index: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / BLOCK);

/** Frequencies along one axis, in cycles a block, whose period is 2 to 4 px. */
const isFine = (frequency: number) => frequency >= BLOCK / 4;

/** Σ |F(u, v)|² over the frequencies of which one axis is fine; a plain DFT, separable. */
function blockPower(block: Float64Array): number {
  const rows = Array.from({ length: BLOCK }, (_, y) => transform(block.subarray(y * BLOCK, (y + 1) * BLOCK)));
  let power = 0;
  for (let u = 0; u <= BLOCK / 2; u++) {
    const column = { re: new Float64Array(BLOCK), im: new Float64Array(BLOCK) };
    for (let y = 0; y < BLOCK; y++) {
      column.re[y] = rows[y]?.re[u] ?? 0;
      column.im[y] = rows[y]?.im[u] ?? 0;
    }
    const { re, im } = transform(column.re, column.im);
    for (let v = 0; v < BLOCK; v++) {
      if (isFine(u) || isFine(Math.min(v, BLOCK - v))) power += (re[v] ?? 0) ** 2 + (im[v] ?? 0) ** 2;
    }
  }
  return power / (BLOCK * BLOCK);
}

const angles = Array.from({ length: BLOCK }, (_, index) => (-2 * Math.PI * index) / BLOCK);
const [COSINES, SINES] = [angles.map(Math.cos), angles.map(Math.sin)];

function transform(real: Float64Array, imaginary?: Float64Array): { re: Float64Array; im: Float64Array } {
  const [re, im] = [new Float64Array(BLOCK), new Float64Array(BLOCK)];
  for (let k = 0; k < BLOCK; k++) {
    for (let n = 0; n < BLOCK; n++) {
      const [cos, sin] = [COSINES[(k * n) % BLOCK] ?? 0, SINES[(k * n) % BLOCK] ?? 0];
      const [a, b] = [real[n] ?? 0, imaginary?.[n] ?? 0];
      re[k] = (re[k] ?? 0) + a * cos - b * sin;
      im[k] = (im[k] ?? 0) + a * sin + b * cos;
    }
  }
  return { re, im };
}
