import { afterAll, describe, expect, it } from "@jest/globals";
import { optionsSchema, type RequestOptions } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { Mask, Raster } from "../../src/pictures/raster.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/painting.ts";
import type { Pictures } from "../../workers/engine/protocol.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

const [width, height] = [64, 48];
// A quarter of VGG-19's width: narrower, its deep layers see next to nothing of so calm a grey.
const network = new Vgg19(randomWeights(1, 4), chooseKernels());
afterAll(() => network.dispose());

/** Calm enough that nothing is clipped where light and dark are moved. */
const calm = (raster: Raster, from: number): Raster => ({
  ...raster,
  data: raster.data.map((value) => from + value / 4),
});
const content = calm(discRaster(width, height), 60);
const styles = [calm(stripesRaster(48, 40), 120), calm(stripesRaster(40, 40, 20), 20)];
const isLeft = (pixel: number) => pixel % width < width / 2;
const mask = (isWhite: (pixel: number) => boolean): Mask => {
  const data = new Uint8Array(width * height).map((_, pixel) => (isWhite(pixel) ? 255 : 0));
  return { width, height, data };
};
const styleMasks = [mask(isLeft), mask((pixel) => !isLeft(pixel))];

/** The start, and the picture after so many steps. */
function paint(more: RequestOptions, pictures: Partial<Pictures>, steps = 4): { start: Raster; end: Raster } {
  const small: RequestOptions = {
    preset: "draft",
    size: width,
    steps,
    scales: 1,
    noise: 0,
    init: "recolored",
  };
  const options = optionsSchema.parse(resolveOptions({ ...small, ...more }, 1));
  const painting = new Painting(network, options, { content, styles, ...pictures }, null);
  const start = painting.picture();
  while (!painting.isDone) painting.step();
  const end = painting.picture();
  painting.dispose();
  return { start, end };
}

const pixels = Array.from({ length: width * height }, (_, pixel) => pixel);
const at = ({ data }: Raster, pixel: number) => data.subarray(3 * pixel, 3 * pixel + 3);
const luma = ([red = 0, green = 0, blue = 0]: Uint8Array) => 0.299 * red + 0.587 * green + 0.114 * blue;
const chroma = ([red = 0, green = 0, blue = 0]: Uint8Array) => [red - green, green - blue] as const;
const meanLuma = (raster: Raster) => {
  const count = raster.width * raster.height;
  let sum = 0;
  for (let pixel = 0; pixel < count; pixel += 1) sum += luma(at(raster, pixel));
  return sum / count;
};
/** Each level is rounded by itself. */
const hasColorsOfContent = (raster: Raster) =>
  pixels.every((pixel) => {
    if (at(raster, pixel).some((value) => value === 0 || value === 255)) return true;
    const [own, before] = [chroma(at(raster, pixel)), chroma(at(content, pixel))];
    return Math.abs(own[0] - before[0]) <= 1 && Math.abs(own[1] - before[1]) <= 1;
  });

describe("A recoloured start", () => {
  it("has the content's own colours with luminance, its light half-way to the styles', by their weights", () => {
    const options: RequestOptions = { preserve_color: "luminance", style_weights: [3, 1] };
    const { start, end } = paint(options, { styleMasks });
    const [one, two] = styles.map(meanLuma) as [number, number];
    expect(Math.abs(meanLuma(start) - (meanLuma(content) + (3 * one + two) / 4) / 2)).toBeLessThan(1);
    expect([hasColorsOfContent(start), hasColorsOfContent(end)]).toEqual([true, true]);
    expect(Buffer.from(start.data).equals(end.data)).toBe(false);
  });

  it.each(["none", "luminance"] as const)("is the same wherever the styles go, with %s", (preserve_color) => {
    const masked = paint({ preserve_color }, { styleMasks }, 1).start;
    expect(masked).toEqual(paint({ preserve_color }, {}, 1).start);
  });

  it.each(["none", "luminance"] as const)("leaves what is kept as it is, with %s", (preserve_color) => {
    const { start, end } = paint({ preserve_color }, { styleMasks, keepMask: mask(isLeft) });
    for (const picture of [start, end]) {
      const changed = pixels.filter((pixel) =>
        at(picture, pixel).some((value, channel) => value !== at(content, pixel)[channel]),
      );
      expect(changed.filter(isLeft)).toEqual([]);
      expect(changed.length).toBeGreaterThan(width * height * 0.4);
    }
  });
});
