import { afterAll, describe, expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/painting.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { stripesRaster } from "../support/rasters.ts";

const [width, height] = [96, 64];
/** Stripes in the left half, all grey in the right one: a landscape below a clear sky. */
const stripes = stripesRaster(width, height);
const halfBare: Raster = {
  ...stripes,
  data: stripes.data.map((value, index) => (Math.floor(index / 3) % width < width / 2 ? value : 120)),
};

/** How much neighbours differ in the columns from `first` on, before `last`: of a flat place 0. */
function texture({ data }: Raster, first: number, last: number): number {
  let sum = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = first; x < last - 1; x += 1) {
      const at = 3 * (y * width + x);
      sum += Math.abs((data[at] as number) - (data[at + 3] as number));
    }
  }
  return sum / (height * (last - 1 - first));
}

describe("style_windows", () => {
  const network = new Vgg19(randomWeights(1, 4), chooseKernels());
  afterAll(() => network.dispose());

  /** How much of its left half's texture the right half of the painting has. */
  function evenness(style_windows: number): number {
    const objective = { content_layers: { block4_conv2: 1 }, style_weight: 10, tv_weight: 2 };
    const requested = { size: width, steps: 30, scales: 1, init: "content", ...objective } as const;
    const options = optionsSchema.parse(resolveOptions({ preset: "draft", ...requested, style_windows }, 1));
    const painting = new Painting(network, options, { content: halfBare, styles: [stripes] }, null);
    while (!painting.isDone) painting.step();
    const picture = painting.picture();
    painting.dispose();
    return texture(picture, width / 2, width) / texture(picture, 0, width / 2);
  }

  it("bring the style to where there would be less of it", () => {
    expect(evenness(1)).toBeLessThan(0.4);
    expect(evenness(4)).toBeGreaterThan(0.7);
  });
});
