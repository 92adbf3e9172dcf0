import { type RgbPicture, scaleBetween } from "./planes.ts";

/** Bins along L, a and b: fine enough to tell palettes apart, coarse enough to fill. */
const BINS = 12;

/**
 * How near the palette is to the style's, by the overlap of Oklab histograms: 1 is the style's own, 0 the content's.
 */
export function colorScore(picture: RgbPicture, content: RgbPicture, style: RgbPicture): number {
  const target = histogram(style);
  return scaleBetween(overlap(histogram(picture), target), overlap(histogram(content), target), 1);
}

function overlap(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, bin) => sum + Math.min(value, b[bin] ?? 0), 0);
}

/** Shares of the pixels, smoothed over neighbouring bins: a shade next door is no other colour. */
function histogram({ data }: RgbPicture): Float64Array {
  const counts = new Float64Array(BINS ** 3);
  const pixels = data.length / 3;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const [L, a, b] = oklab(data[3 * pixel] ?? 0, data[3 * pixel + 1] ?? 0, data[3 * pixel + 2] ?? 0);
    spread(
      counts,
      [L * (BINS - 1), (a + 0.4) * 1.25 * (BINS - 1), (b + 0.4) * 1.25 * (BINS - 1)],
      1 / pixels,
    );
  }
  return counts;
}

/** Shares a weight among the eight bins around a place. */
function spread(counts: Float64Array, place: readonly [number, number, number], weight: number): void {
  const clamped = place.map((value) => Math.min(BINS - 1.001, Math.max(0, value)));
  const [l = 0, a = 0, b = 0] = clamped.map(Math.floor);
  const [fl = 0, fa = 0, fb = 0] = clamped.map((value) => value - Math.floor(value));
  for (const [dl, wl] of [
    [0, 1 - fl],
    [1, fl],
  ] as const) {
    for (const [da, wa] of [
      [0, 1 - fa],
      [1, fa],
    ] as const) {
      for (const [db, wb] of [
        [0, 1 - fb],
        [1, fb],
      ] as const) {
        const bin = ((l + dl) * BINS + a + da) * BINS + b + db;
        counts[bin] = (counts[bin] ?? 0) + weight * wl * wa * wb;
      }
    }
  }
}

/** Björn Ottosson's Oklab (2020), from sRGB in [0, 1]. */
function oklab(red: number, green: number, blue: number): [number, number, number] {
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
