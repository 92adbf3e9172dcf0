import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { optionsSchema, type RequestOptions } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { Mask, Raster } from "../../src/pictures/raster.ts";
import { inverse, multiply, squareRoot } from "../../workers/engine/colors/symmetric-matrix.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/paint.ts";
import type { Pictures } from "../../workers/engine/protocol.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const network = new Vgg19(randomWeights(1, 4), chooseKernels());
const folder = temporaryFolder();
const [width, height] = [64, 48];
const content = discRaster(width, height);
const style = stripesRaster(48, 40);
const other = stripesRaster(40, 40, 20);

function begin(
  more: RequestOptions = {},
  pictures: Partial<Pictures> = {},
  checkpoint: string | null = null,
) {
  const small: RequestOptions = {
    preset: "draft",
    size: width,
    ...{ style_distance: "gram", steps: 6, content_weight: 1, style_weight: 40 },
    ...{ scales: 1, noise: 0, tv_weight: 0.1, init: "content" as const },
  };
  const options = optionsSchema.parse(resolveOptions({ ...small, ...more }, 1));
  return {
    painting: new Painting(network, options, { content, styles: [style], ...pictures }, checkpoint),
    options,
  };
}

function paint(more: RequestOptions = {}, pictures: Partial<Pictures> = {}): Raster {
  const { painting } = begin(more, pictures);
  while (!painting.isDone) painting.step();
  const picture = painting.picture();
  painting.dispose();
  return picture;
}

/** A mask by a function of the pixel's place. */
function mask(value: (x: number, y: number) => number): Mask {
  const data = new Uint8Array(width * height).map((_, pixel) =>
    value(pixel % width, Math.floor(pixel / width)),
  );
  return { width, height, data };
}
const left = mask((x) => (x < width / 2 ? 255 : 0));
const right = mask((x) => (x < width / 2 ? 0 : 255));

/** Mean absolute difference over the pixels that `where` picks, 0–255. */
function difference(a: Raster, b: Raster, where: (x: number, y: number) => boolean = () => true): number {
  let [sum, count] = [0, 0];
  for (let pixel = 0; pixel < a.width * a.height; pixel += 1) {
    if (!where(pixel % a.width, Math.floor(pixel / a.width))) continue;
    for (let index = pixel * 3; index < pixel * 3 + 3; index += 1) {
      sum += Math.abs((a.data[index] ?? 0) - (b.data[index] ?? 0));
      count += 1;
    }
  }
  return sum / count;
}
const mean = ({ data }: Raster, channel: number) =>
  data.filter((_, index) => index % 3 === channel).reduce((sum, value) => sum + value, 0) / (data.length / 3);

let tensorsOfNetwork: number;
beforeAll(() => {
  paint({ steps: 1 });
  tensorsOfNetwork = tf.memory().numTensors;
});
afterAll(() => {
  expect(tf.memory().numTensors).toBe(tensorsOfNetwork);
  network.dispose();
});

describe("Several styles", () => {
  const styles = [style, other];
  it("count by their weights, from the first alone to the second alone", () => {
    const [one, two] = [paint({}, { styles: [style] }), paint({}, { styles: [other] })];
    const blended = [
      [1, 0],
      [4, 1],
      [1, 4],
      [0, 1],
    ].map((style_weights) => paint({ style_weights }, { styles }));
    expect(difference(blended[0] as Raster, one)).toBe(0);
    expect(difference(blended[3] as Raster, two)).toBe(0);
    expect(difference(blended[1] as Raster, one)).toBeLessThan(difference(blended[1] as Raster, two));
    expect(difference(blended[2] as Raster, two)).toBeLessThan(difference(blended[2] as Raster, one));
  });

  it("count by their weights with neighbors, too", () => {
    const method = { style_distance: "neighbors", style_weight: 3 } as const;
    const blended = [
      [1, 0],
      [1, 1],
      [0, 1],
    ].map((style_weights) => paint({ ...method, style_weights }, { styles }));
    expect(difference(blended[0] as Raster, paint(method, { styles: [style] }))).toBe(0);
    expect(difference(blended[2] as Raster, paint(method, { styles: [other] }))).toBe(0);
    expect(difference(blended[1] as Raster, blended[0] as Raster)).toBeGreaterThan(0.5);
  });

  it("count alike where there are no weights, however large these would be", () => {
    expect(difference(paint({}, { styles }), paint({ style_weights: [7, 7] }, { styles }))).toBeLessThan(0.1);
  });
});

describe("A style's scale", () => {
  it("is that of each style, or of all", () => {
    const small = paint({ style_scale: 0.5 });
    expect(difference(small, paint())).toBeGreaterThan(0.5);
    expect(difference(small, paint({ style_scale: [0.5] }))).toBe(0);
  });

  it("never stretches: a narrow style is looked at larger than asked for", () => {
    expect(paint({ style_scale: 0.1 }, { styles: [stripesRaster(90, 18)] }).width).toBe(width);
  });
});

describe("The content's colours", () => {
  const chroma = ({ data }: Raster, pixel: number) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(pixel * 3, pixel * 3 + 3);
    return [red - green, green - blue];
  };

  it("stay with luminance, while light and dark are painted", () => {
    const picture = paint({ preserve_color: "luminance" });
    expect(difference(picture, content)).toBeGreaterThan(2);
    for (let pixel = 0; pixel < width * height; pixel += 1) {
      const isClipped = [...picture.data.subarray(pixel * 3, pixel * 3 + 3)].some(
        (v) => v === 0 || v === 255,
      );
      const [own, before] = [chroma(picture, pixel), chroma(content, pixel)];
      if (!isClipped)
        for (const i of [0, 1]) expect(Math.abs((own[i] ?? 0) - (before[i] ?? 0))).toBeLessThanOrEqual(1);
    }
  });

  it("are the style's before it is painted with histogram", () => {
    // All style: the picture's own colours would become the style's.
    const strong = {
      style_weight: 3000,
      style_layers: { block1_conv1: 1 },
      steps: 20,
    } as const;
    const distance = (picture: Raster) =>
      [0, 1, 2].reduce((sum, c) => sum + Math.abs(mean(picture, c) - mean(content, c)), 0);
    expect(distance(paint({ ...strong, preserve_color: "histogram" }))).toBeLessThan(
      0.6 * distance(paint(strong)),
    );
  });

  it("are kept in one more way by both", () => {
    const pictures = (["none", "luminance", "histogram", "both"] as const).map((preserve_color) =>
      paint({ preserve_color }),
    );
    for (const [index, one] of pictures.entries())
      for (const two of pictures.slice(index + 1)) expect(difference(one, two)).toBeGreaterThan(0.2);
  });

  it("are moved by the root of a matrix that is its root", () => {
    const matrix = [
      [0.09, 0.05, -0.01],
      [0.05, 0.08, 0.02],
      [-0.01, 0.02, 0.03],
    ];
    const root = squareRoot(matrix);
    const [again, unit] = [multiply(root, root), multiply(root, inverse(root))];
    for (const i of [0, 1, 2])
      for (const j of [0, 1, 2]) {
        expect(again[i]?.[j]).toBeCloseTo(matrix[i]?.[j] ?? 0, 12);
        expect(unit[i]?.[j]).toBeCloseTo(i === j ? 1 : 0, 10);
      }
  });
});

describe("Masks", () => {
  it("say which style goes where", () => {
    const far = 14; // what a style changes beyond its mask comes through the network's field of view
    const both = paint(
      { style_layers: { block1_conv1: 1, block2_conv1: 1 } },
      { styles: [style, other], styleMasks: [left, right] },
    );
    const swapped = paint(
      { style_layers: { block1_conv1: 1, block2_conv1: 1 } },
      { styles: [other, style], styleMasks: [right, left] },
    );
    expect(difference(both, swapped)).toBeLessThan(0.1);
    const leftOnly = paint(
      {
        style_layers: { block1_conv1: 1, block2_conv1: 1 },
        style_weights: [1, 0],
        content_weight: 0,
        tv_weight: 0,
      },
      { styles: [style, other], styleMasks: [left, right] },
    );
    expect(difference(leftOnly, content, (x) => x < width / 2 - far)).toBeGreaterThan(1);
    expect(difference(leftOnly, content, (x) => x > width / 2 + far)).toBe(0);
  });

  it("say which style goes where with neighbors, too", () => {
    const method = { style_distance: "neighbors", style_weight: 3, steps: 8 } as const;
    const styles = [style, other];
    const both = paint(method, { styles, styleMasks: [left, right] });
    const swapped = paint(method, { styles: [other, style], styleMasks: [right, left] });
    expect(difference(both, swapped)).toBeLessThan(0.1);
    expect(difference(both, paint(method, { styles, styleMasks: [right, left] }))).toBeGreaterThan(1);
    expect(paint(method, { styleMasks: [mask(() => 0)] }).data.some((value) => value > 0)).toBe(true);
  });

  it("may be black all over", () => {
    const black = mask(() => 0);
    expect(difference(paint({ content_weight: 0, tv_weight: 0 }, { styleMasks: [black] }), content)).toBe(0);
  });

  it("keep a part of the content to the pixel, and paint the rest", () => {
    for (const more of [
      {},
      { preserve_color: "luminance" },
      { style_distance: "neighbors", style_weight: 3 },
    ] as const) {
      const picture = paint({ scales: 2, init: "noise", ...more }, { keepMask: left });
      expect(difference(picture, content, (x) => x < width / 2)).toBe(0);
      expect(difference(picture, content, (x) => x >= width / 2)).toBeGreaterThan(4);
    }
  });
});

describe("A transparent content", () => {
  const alpha = mask((x, y) => (Math.hypot(x - width / 2, y - height / 2) < 18 ? 255 : 0)).data;
  const hiding = (value: number): Raster => ({
    ...content,
    alpha,
    data: content.data.map((seen, index) => (alpha[Math.floor(index / 3)] === 0 ? value : seen)),
  });

  it("stays transparent, and what it hides has no say", () => {
    const [black, white] = [0, 255].map((value) => paint({ scales: 2 }, { content: hiding(value) })) as [
      Raster,
      Raster,
    ];
    expect(Buffer.from(black.alpha ?? []).equals(Buffer.from(alpha))).toBe(true);
    expect(difference(black, white)).toBe(0);
    expect(difference(black, content, (x, y) => alpha[y * width + x] === 255)).toBeGreaterThan(2);
  });

  it("and so a transparent style's", () => {
    const seen = new Uint8Array(48 * 40).map((_, pixel) => (pixel % 48 < 30 ? 255 : 0));
    const styles = [0, 255].map(
      (value): Raster => ({
        ...style,
        alpha: seen,
        data: style.data.map((own, index) => (seen[Math.floor(index / 3)] === 0 ? value : own)),
      }),
    );
    const [black, white] = styles.map((one) => paint({ preserve_color: "histogram" }, { styles: [one] })) as [
      Raster,
      Raster,
    ];
    expect(difference(black, white)).toBe(0);
  });
});

describe("The start", () => {
  const start = (more: RequestOptions, pictures?: Partial<Pictures>) => {
    const { painting } = begin({ noise: 0, ...more }, pictures);
    const picture = painting.picture();
    painting.dispose();
    return picture;
  };
  it("is a picture of one's own", () => {
    const own = stripesRaster(width, height, 12);
    expect(difference(start({ init: "picture" }, { start: own }), own)).toBe(0);
  });
  it("is a blend of content and noise", () => {
    const shares = [0, 0.25, 0.75, 1].map((init_blend) =>
      difference(start({ init: "blend", init_blend }), content),
    );
    expect(shares[0]).toBe(0);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(difference(start({ init: "blend", init_blend: 1 }), start({ init: "noise" }))).toBe(0);
  });
});

describe("Updated options", () => {
  it.each(["neighbors", "gram"] as const)(
    "goes on with other weights by %s, as a resumed painting does",
    (style_distance) => {
      const more = { style_distance, steps: 12, ...(style_distance === "neighbors" && { style_weight: 3 }) };
      const { painting, options } = begin(more);
      for (let step = 0; step < 4; step += 1) painting.step();
      const checkpoint = join(folder(), style_distance);
      painting.save(checkpoint);
      const other = { ...options, style_weight: 3000, style_layers: { block2_conv2: 1 } };
      painting.updateOptions(other);
      // What died before its next checkpoint begins from the one before with the options as they are now.
      const resumed = begin(
        { ...more, style_weight: 3000, style_layers: { block2_conv2: 1 } },
        {},
        checkpoint,
      ).painting;
      for (const one of [painting, resumed]) while (!one.isDone) one.step();
      const [a, b] = [painting.picture(), resumed.picture()];
      const { loss } = painting.progress();
      painting.dispose();
      resumed.dispose();
      expect(difference(a, b)).toBe(0);
      expect(loss?.parts.gram).toBeGreaterThan(0);
      expect(difference(a, paint(more))).toBeGreaterThan(1);
    },
  );

  it("changes nothing where the options are the same", () => {
    const { painting, options } = begin();
    for (let step = 0; !painting.isDone; step += 1) {
      painting.updateOptions({ ...options, preview_interval: step });
      painting.step();
    }
    const picture = painting.picture();
    painting.dispose();
    expect(difference(picture, paint())).toBe(0);
  });
});

it("A painting has 16 bits a channel where they are wanted", () => {
  const { painting } = begin();
  while (!painting.isDone) painting.step();
  const [deep, flat] = [painting.deepPicture(), painting.picture()];
  painting.dispose();
  expect(
    deep.data.every((value, index) => Math.abs(value / 257 - (flat.data[index] ?? 0)) <= 0.5 + 1e-6),
  ).toBe(true);
  expect(deep.data.some((value) => value % 257 !== 0)).toBe(true);
});
