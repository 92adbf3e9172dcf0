import sharp from "sharp";
import { fractal, randomNumbers, valueNoise } from "./noise.mjs";

/** From cream to iron red. */
const PALETTE = [
  [236, 205, 158],
  [222, 172, 112],
  [205, 138, 80],
  [178, 98, 58],
  [140, 66, 42],
  [104, 46, 34],
];

/**
 * Draws layered sandstone: bent beds of uneven thickness, slanting laminae in the thick ones, lit edges and grain.
 * @param {number} size of the square, in pixels
 */
export function drawSandstone(size) {
  const height = new Float64Array(size * size);
  const colors = new Float64Array(size * size * 3);
  const stone = sandstoneAt();
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const { relief, tone, wash } = stone((x / size) * 640, (y / size) * 640);
      height[y * size + x] = relief;
      const [r, g, b] = paletteColor(tone);
      colors.set([r * wash, g * wash, b * wash], 3 * (y * size + x));
    }
  }
  return sharp(shade(colors, height, size), { raw: { width: size, height: size, channels: 3 } });
}

/** @returns {(x: number, y: number) => { relief: number, tone: number, wash: number }} on a square of 640 */
function sandstoneAt() {
  const bend = fractal(valueNoise(1), 4);
  const rough = fractal(valueNoise(2), 5);
  const blotch = fractal(valueNoise(3), 4);
  const fine = valueNoise(4);
  const beds = makeBeds(5, -120, 800);
  return (x, y) => {
    const warp = 34 * bend(x / 260, y / 420) + 5 * rough(x / 40, y / 40);
    const depth = y + warp + 0.1 * x;
    const bed = beds.find((candidate) => depth < candidate.end) ?? beds[0];
    const inside = (depth - bed.start) / (bed.end - bed.start);
    const lamina = bed.slant === 0 ? depth : depth * 0.75 + bed.slant * x;
    const bands = fine(bed.seed, lamina / bed.lamina) + 0.5 * fine(bed.seed + 9, (2.3 * lamina) / bed.lamina);
    const edge = Math.exp(-12 * inside) + 0.7 * Math.exp(-14 * (1 - inside));
    const grain = rough(x / 5, y / 4);
    return {
      relief: 5 * bed.hardness - 9 * edge + 2.6 * bands + 6 * rough(x / 26, y / 18) + 2.2 * grain,
      tone: bed.tone + 0.55 * bands + 0.5 * blotch(x / 150, y / 90) + 0.9 * edge + 0.25 * grain,
      wash: 1 - 0.22 * edge,
    };
  };
}

/** @param {number} seed @param {number} from @param {number} to */
function makeBeds(seed, from, to) {
  const random = randomNumbers(seed);
  const beds = [];
  for (let start = from; start < to; ) {
    const thick = random() < 0.4;
    const thickness = thick ? 60 + 70 * random() : 10 + 26 * random();
    beds.push({
      start,
      end: start + thickness,
      seed: 100 * beds.length + 0.5,
      tone: 0.6 + 3.4 * random() ** 1.3,
      hardness: random(),
      lamina: thick ? 5 + 4 * random() : 4,
      slant: thick && random() < 0.75 ? (random() < 0.5 ? -0.45 : 0.4) : 0,
    });
    start += thickness;
  }
  return beds;
}

/** @param {number} tone 0 (cream) to 5 (dark red) */
function paletteColor(tone) {
  const clamped = Math.min(PALETTE.length - 1.001, Math.max(0, tone));
  const index = Math.floor(clamped);
  const part = clamped - index;
  return PALETTE[index].map((value, channel) => value * (1 - part) + PALETTE[index + 1][channel] * part);
}

/** Lights the relief from the upper left and adds bright and dark grains. */
function shade(colors, height, size) {
  const random = randomNumbers(6);
  const pixels = Buffer.alloc(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const here = y * size + x;
      const dx = height[y * size + Math.min(size - 1, x + 1)] - height[y * size + Math.max(0, x - 1)];
      const dy = height[Math.min(size - 1, y + 1) * size + x] - height[Math.max(0, y - 1) * size + x];
      const length = Math.hypot(dx, dy, 4);
      const light = 0.52 + 0.62 * ((4 * 0.78 + dx * 0.32 + dy * 0.55) / length);
      const chance = random();
      const grain = chance < 0.03 ? 0.78 : chance > 0.975 ? 1.22 : 0.94 + 0.12 * random();
      for (let channel = 0; channel < 3; channel += 1) {
        pixels[3 * here + channel] = Math.max(0, Math.min(255, colors[3 * here + channel] * light * grain));
      }
    }
  }
  return pixels;
}
