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
import { Painting } from "../../workers/engine/paint.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";

interface PaintResult {
  /** A PNG with the bit depth and colour space of the options. */
  picture: Uint8Array;
  width: number;
  height: number;
  seconds: number;
  loss: number;
}

export interface PaintRequest {
  content: string;
  styles: string[];
  options: RequestOptions;
  styleMasks?: MaskFunction[];
  keepMask?: MaskFunction;
  /** The content's opacity. */
  alpha?: MaskFunction;
}
/** Returns a value from 0 to 1 for a position from 0 to 1 in each direction. */
export type MaskFunction = (x: number, y: number) => number;

/** Paints picture files in this process, without API, queue and worker. */
export class FilePainter {
  private constructor(private readonly network: Vgg19) {}

  static async load(): Promise<FilePainter> {
    const weights = await loadWeights(findWeights(ROOT, readConfig().vgg19Weights ?? undefined));
    return new FilePainter(new Vgg19(weights, chooseKernels()));
  }

  async paint(request: PaintRequest): Promise<PaintResult> {
    const { limits } = readConfig();
    const options = optionsSchema.parse(resolveOptions(request.options, 1));
    const { output } = options;
    const decoded = await decodePicture(
      request.content,
      (size) => contentSize(size, options.size),
      limits,
      output.color_space,
    );
    const content: Raster = {
      ...decoded,
      ...(request.alpha && { alpha: mask(request.alpha, decoded).data }),
    };
    const styles = await Promise.all(
      request.styles.map((path, index) =>
        decodePicture(
          path,
          (size) => styleSize(size, options.size * styleScale(options.style_scale, index)),
          limits,
          output.color_space,
        ),
      ),
    );
    const started = performance.now();
    const pictures = {
      ...{ content, styles },
      styleMasks: request.styleMasks?.map((value) => mask(value, content)),
      keepMask: request.keepMask && mask(request.keepMask, content),
    };
    const painting = new Painting(this.network, options, pictures, null);
    while (!painting.isDone) painting.step();
    const painted = output.bit_depth === 16 ? painting.deepPicture() : painting.picture();
    const loss = painting.progress().loss?.total ?? Number.NaN;
    const seconds = (performance.now() - started) / 1000;
    painting.dispose();
    const picture = await encodePicture(painted, { ...output, format: "png" });
    return { picture, width: painted.width, height: painted.height, seconds, loss };
  }

  dispose(): void {
    this.network.dispose();
  }
}

function mask(value: MaskFunction, { width, height }: Pick<Raster, "width" | "height">): Mask {
  const data = new Uint8Array(width * height).map((_, pixel) =>
    Math.round(255 * value((pixel % width) / width, Math.floor(pixel / width) / height)),
  );
  return { width, height, data };
}

/** Scales pictures to one height and puts them side by side. */
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
