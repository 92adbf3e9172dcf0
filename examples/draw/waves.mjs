import sharp from "sharp";
import { fractal, valueNoise } from "./noise.mjs";

/** From deep water to foam. */
const PALETTE = [
  [12, 36, 82],
  [24, 74, 138],
  [46, 122, 176],
  [120, 178, 200],
  [238, 240, 228],
];

/**
 * Draws waves as brush strokes: bent blue bands with foam on the crests.
 * @param {number} size of the square, in pixels
 */
export function drawWaves(size) {
  const bend = fractal(valueNoise(11), 3);
  const sway = fractal(valueNoise(12), 3);
  const bristle = valueNoise(13);
  const foam = fractal(valueNoise(14), 4);
  const pixels = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const [x, y] = [(column / size) * 640, (row / size) * 640];
      const phase = (y + 90 * bend(x / 130, y / 170) + 24 * sway(x / 40, y / 60)) / 42;
      const crest = 0.5 + 0.5 * Math.sin(2 * Math.PI * phase + 1.5 * bend(x / 60, y / 60));
      const stroke = 0.09 * bristle(x / 14 + 3 * phase, phase * 9);
      const white = crest > 0.8 ? 0.35 * Math.max(0, foam(x / 18, y / 18)) : 0;
      const [r = 0, g = 0, b = 0] = paletteColor(0.85 * crest ** 1.6 + stroke + white);
      pixels.set([r, g, b], 3 * (row * size + column));
    }
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
}

/** @param {number} tone 0 to 1 along the palette */
function paletteColor(tone) {
  const place = Math.min(1, Math.max(0, tone)) * (PALETTE.length - 1);
  const index = Math.min(PALETTE.length - 2, Math.floor(place));
  const share = place - index;
  return PALETTE[index].map((from, channel) => from + share * (PALETTE[index + 1][channel] - from));
}
