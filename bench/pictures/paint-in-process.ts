import sharp from "sharp";
import { readConfig } from "../../src/config.ts";
import { optionsSchema, type RequestOptions, styleScale } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import { encodePicture } from "../../src/pictures/encode.ts";
import { contentSize, styleSize } from "../../src/pictures/picture-size.ts";
import type { Mask, Raster } from "../../src/pictures/raster.ts";
import { ROOT } from "../../src/root.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/painting.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { locateWeights } from "../../workers/engine/weights/locate.ts";

export interface Painted {
  /** As a png, of the depth and colours that its options ask for. */
  picture: Uint8Array;
  width: number;
  height: number;
  seconds: number;
  loss: number;
}

/** What a picture is made of: files, and masks by a function of the place in it (0 to 1 each way). */
export interface Recipe {
  content: string;
  styles: string[];
  options: RequestOptions;
  styleMasks?: Place[];
  keepMask?: Place;
  /** How opaque the content is. */
  alpha?: Place;
  start?: string;
}
/** 0 to 1 for a place in the picture. */
export type Place = (x: number, y: number) => number;

/** Paints files in this process, one after the other: for programs that show what options do. */
export class Painter {
  private constructor(private readonly network: Vgg19) {}

  static async load(): Promise<Painter> {
    const weights = await loadWeights(locateWeights(ROOT, readConfig().vgg19Weights ?? undefined));
    return new Painter(new Vgg19(weights, chooseKernels()));
  }

  /** @param secondsAtMost ends it early: for comparisons at equal time */
  async paint(recipe: Recipe, secondsAtMost = Number.POSITIVE_INFINITY): Promise<Painted> {
    const { limits } = readConfig();
    const options = optionsSchema.parse({
      ...resolveOptions(recipe.options, 1),
      ...(recipe.start !== undefined && { init: "picture" }),
    });
    const { output } = options;
    const decoded = await decodePicture(
      recipe.content,
      (size) => contentSize(size, options.size),
      limits,
      output.color_space,
    );
    const content: Raster = {
      ...decoded,
      ...(recipe.alpha && { alpha: mask(recipe.alpha, decoded).data }),
    };
    const styles = await Promise.all(
      recipe.styles.map((path, index) =>
        decodePicture(
          path,
          (size) => styleSize(size, options.size * styleScale(options.style_scale, index)),
          limits,
          output.color_space,
        ),
      ),
    );
    const start =
      recipe.start === undefined
        ? undefined
        : await decodePicture(recipe.start, () => content, limits, output.color_space);
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const pictures = {
      ...{ content, styles, start },
      styleMasks: recipe.styleMasks?.map((place) => mask(place, content)),
      keepMask: recipe.keepMask && mask(recipe.keepMask, content),
    };
    const painting = new Painting(this.network, options, pictures, null);
    while (!painting.isDone && seconds() < secondsAtMost) painting.step();
    const painted = output.bit_depth === 16 ? painting.deepPicture() : painting.picture();
    const loss = painting.progress().loss?.total ?? Number.NaN;
    const took = seconds();
    painting.dispose();
    const picture = await encodePicture(painted, { ...output, format: "png" });
    return { picture, width: painted.width, height: painted.height, seconds: took, loss };
  }

  dispose(): void {
    this.network.dispose();
  }
}

function mask(place: Place, { width, height }: Pick<Raster, "width" | "height">): Mask {
  const data = new Uint8Array(width * height).map((_, pixel) =>
    Math.round(255 * place((pixel % width) / width, Math.floor(pixel / width) / height)),
  );
  return { width, height, data };
}

/** Pictures of one height side by side, each scaled to it. */
export async function sideBySide(
  pictures: readonly Uint8Array[],
  height: number,
  gap = 6,
): Promise<Uint8Array> {
  const scaled = await Promise.all(
    pictures.map((picture) => sharp(picture).resize({ height }).png().toBuffer({ resolveWithObject: true })),
  );
  const width = scaled.reduce((sum, { info }) => sum + info.width + gap, -gap);
  let left = 0;
  const layers = scaled.map(({ data, info }) => {
    const layer = { input: data, left, top: 0 };
    left += info.width + gap;
    return layer;
  });
  return await sharp({ create: { width, height, channels: 4, background: "#ffffff00" } })
    .composite(layers)
    .png()
    .toBuffer();
}
