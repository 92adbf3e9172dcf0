import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { optionsSchema, type RequestOptions } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { CheckpointError } from "../../workers/engine/checkpoint.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting, PictureTooSmallError } from "../../workers/engine/paint.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// A quarter of VGG-19's width: wide enough for the native kernels.
const network = new Vgg19(randomWeights(1, 4), chooseKernels());
const content = discRaster(64, 66);
const style = stripesRaster(60, 50);

function optionsOf(more: RequestOptions = {}, seed = 1) {
  const small: RequestOptions = {
    preset: "draft",
    size: 66,
    steps: 4,
    scales: 1,
    noise: 0.05,
    init: "content",
  };
  return optionsSchema.parse(resolveOptions({ ...small, ...more }, seed));
}

/** As the source paints. */
const GRAM = { style_distance: "gram" } as const;
const METHODS = [{ style_distance: "neighbors" }, GRAM] as const;

function begin(more: RequestOptions = {}, seed = 1, checkpoint: string | null = null): Painting {
  return new Painting(network, optionsOf(more, seed), { content, styles: [style] }, checkpoint);
}

const folder = temporaryFolder();
let files = 0;

/** A path for a new file. */
function newPath(): string {
  files += 1;
  return join(folder(), String(files));
}

/** Saves a painting as it stands and gives the file's path. */
function saved(painting: Painting): string {
  const path = newPath();
  painting.save(path);
  return path;
}

/** Takes so many steps, or all that are left, and gives the picture; the painting is gone after that. */
function finish(painting: Painting, steps = Number.POSITIVE_INFINITY): Raster {
  for (let step = 0; step < steps && !painting.isDone; step += 1) {
    painting.step();
  }
  const picture = painting.picture();
  painting.dispose();
  return picture;
}

function isSame(a: Raster, b: Raster): boolean {
  return a.width === b.width && a.height === b.height && Buffer.from(a.data).equals(b.data);
}

/** Mean absolute difference of the pixels, 0–255. */
function difference(a: Raster, b: Raster): number {
  return (
    a.data.reduce((sum, value, index) => sum + Math.abs(value - (b.data[index] ?? 0)), 0) / a.data.length
  );
}

let tensorsOfNetwork: number;
beforeAll(() => {
  finish(begin({ content_layers: { block5_conv4: 1 }, steps: 1 })); // makes what the network keeps
  tensorsOfNetwork = tf.memory().numTensors;
});
afterAll(() => {
  expect(tf.memory().numTensors).toBe(tensorsOfNetwork);
  network.dispose();
});

describe("Painting", () => {
  it.each(METHODS)("lowers the loss with $style_distance, and names its parts", (method) => {
    // Layers in which there is much to win in few steps.
    const objective = {
      ...{ content_weight: 1, content_layers: { block4_conv2: 1 }, tv_weight: 2 },
      ...(method !== GRAM && { init: "noise" as const }),
      learning_rate: 0.02,
      ...(method === GRAM && { style_weight: 1000, style_layers: { block1_conv1: 1, block2_conv1: 1 } }),
    };
    const painting = begin({ ...method, ...objective, steps: 25 });
    painting.step();
    const first = painting.progress().loss?.total ?? 0;
    while (painting.progress().step < 12) painting.step();
    const { total = 0, parts = {} } = painting.progress().loss ?? {};
    finish(painting);
    expect(total).toBeLessThan(0.8 * first);
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBeCloseTo(total, 4);
    const names = method === GRAM ? ["content", "gram"] : ["content", "neighbors", "gram", "range"];
    expect(Object.keys(parts)).toEqual([...names, "total_variation"]);
  });

  it.each([
    [33, 47, 1],
    [16, 200, 1],
    [17, 16, 3],
    [131, 70, 2],
    [32, 32, 8],
  ])("gives a picture of %i × %i in the content's size, like neither input", (width, height, scales) => {
    const own = discRaster(width, height);
    const options = optionsOf({ scales, steps: 8, noise: 0 });
    const picture = finish(
      new Painting(network, options, { content: own, styles: [stripesRaster(90, 18), style] }, null),
    );
    expect([picture.width, picture.height, picture.data.length]).toEqual([width, height, width * height * 3]);
    expect(difference(picture, own)).toBeGreaterThan(2);
    expect(difference(picture, stripesRaster(width, height))).toBeGreaterThan(2);
  });

  it.each([0, 1, 4294967295])("paints the same bytes again with seed %i", (seed) => {
    expect(isSame(finish(begin({ noise: 0.2 }, seed)), finish(begin({ noise: 0.2 }, seed)))).toBe(true);
  });

  it("paints other bytes with another seed, with gram by its noise alone", () => {
    expect(isSame(finish(begin({}, 1)), finish(begin({}, 2)))).toBe(false);
    const calm = { ...GRAM, noise: 0 };
    expect(isSame(finish(begin(calm, 1)), finish(begin(calm, 2)))).toBe(true);
  });

  it("starts as the content if there is no noise, with neighbors without its finest details", () => {
    expect(isSame(finish(begin({ ...GRAM, noise: 0 }), 0), content)).toBe(true);
    const start = finish(begin({ noise: 0 }), 0);
    expect(difference(start, content)).toBeGreaterThan(0.5);
    expect(difference(start, content)).toBeLessThan(15);
  });

  it("disturbs the start by no more than the noise asked for", () => {
    const start = finish(begin({ ...GRAM, noise: 0.1 }), 0);
    const moves = Array.from(start.data, (value, index) => Math.abs(value - (content.data[index] ?? 0)));
    expect(Math.max(...moves)).toBeLessThanOrEqual(26);
    expect(Math.max(...moves)).toBeGreaterThan(20);
    expect(difference(start, content)).toBeGreaterThan(10); // uniform noise: half of its amplitude on average
  });

  it.each<RequestOptions>([
    { learning_rate: 0.5 },
    { steps: 5 },
    { content_weight: 3 },
    { style_weight: 20 },
    { content_layers: { block2_conv2: 1 } },
    { content_layers: { block4_conv2: 1, block3_conv1: 0.5 } },
    { style_layers: { block1_conv1: 1 } },
    { style_layers: { block1_conv1: 1, block2_conv1: 3 } },
    { tv_weight: 5 },
    { noise: 0.1 },
    { pooling: "average" },
    { init: "noise" },
    { scales: 2 },
    { style_distance: "gram" },
  ])("paints another picture with %j", (more) => {
    expect(isSame(finish(begin()), finish(begin(more)))).toBe(false);
  });

  it("takes every style into account", () => {
    const options = optionsOf();
    const other = stripesRaster(40, 40, 20);
    const [one, two] = [[style], [style, other]].map((styles) =>
      finish(new Painting(network, options, { content, styles }, null)),
    ) as [Raster, Raster];
    expect(isSame(one, two)).toBe(false);
  });

  it.each(METHODS)(
    "paints with the content's loss alone, with the style's alone, and with neither, by $style_distance",
    (method) => {
      for (const more of [
        { style_weight: 0 },
        { content_weight: 0 },
        { content_weight: 0, style_weight: 0 },
      ]) {
        const painting = begin({ ...method, ...more });
        painting.step();
        const { parts = {} } = painting.progress().loss ?? {};
        finish(painting);
        expect("content" in parts).toBe(!("content_weight" in more));
        expect("gram" in parts).toBe(!("style_weight" in more));
      }
    },
  );

  it("rejects a content that is too narrow for VGG-19", () => {
    const narrow = () =>
      new Painting(network, optionsOf(), { content: discRaster(15, 100), styles: [style] }, null);
    expect(narrow).toThrow(PictureTooSmallError);
    expect(narrow).toThrow("expected both edges of the picture to be at least 16 px, received 15 × 100");
  });

  it("keeps the number of tensors flat over 50 steps", () => {
    const painting = begin({ steps: 64 });
    const counts: number[] = [];
    while (!painting.isDone) {
      painting.step();
      counts.push(tf.memory().numTensors);
    }
    painting.dispose();
    expect(Math.max(...counts.slice(2, 32))).toBeLessThanOrEqual(counts[1] ?? 0);
    expect(Math.max(...counts.slice(34))).toBeLessThanOrEqual(counts[33] ?? 0); // the details
  });

  it("leaves no tensor behind, over 5 paintings and where one is given up half-way", () => {
    for (const scales of [1, 2, 1, 2, 2]) {
      finish(begin({ scales }));
      expect(tf.memory().numTensors).toBe(tensorsOfNetwork);
    }
    finish(begin({ scales: 2 }), 3);
    expect(tf.memory().numTensors).toBe(tensorsOfNetwork);
  });
});

describe("A checkpoint", () => {
  describe.each(METHODS)("with $style_distance", (method) => {
    const options = { ...method, steps: 9, scales: 2 };

    it("goes on at any step, over two scales, as if there had been no stop", () => {
      const painting = begin(options);
      const checkpoints: string[] = [saved(painting)];
      while (!painting.isDone) {
        painting.step();
        checkpoints.push(saved(painting));
      }
      const { step_ms: _time, eta_seconds: _eta, ...progress } = painting.progress();
      const whole = finish(painting);
      const wrong = checkpoints.filter((checkpoint) => {
        const resumed = begin(options, 1, checkpoint);
        while (!resumed.isDone) {
          resumed.step();
        }
        expect(resumed.progress()).toMatchObject(progress);
        return !isSame(finish(resumed), whole);
      });
      expect(wrong.map((checkpoint) => checkpoints.indexOf(checkpoint))).toEqual([]);
    });

    it("of a painting that is done gives its picture", () => {
      const painting = begin(options);
      const steps = optionsOf(options).steps;
      for (let step = 0; step < steps; step += 1) {
        painting.step();
      }
      const checkpoint = saved(painting);
      const resumed = begin(options, 1, checkpoint);
      expect(resumed.isDone).toBe(true);
      expect(isSame(finish(resumed), finish(painting))).toBe(true);
    });
  });

  it("is rejected, leaving no tensor behind, when it is damaged or of another painting", () => {
    const painting = begin({ steps: 12, scales: 2 });
    painting.step();
    const good = saved(painting);
    finish(painting, 0);
    const before = tf.memory().numTensors;
    const rejected = (checkpoint: string, more: RequestOptions = {}) =>
      expect(() => begin({ steps: 12, scales: 2, ...more }, 1, checkpoint)).toThrow(CheckpointError);
    const rejectedBytes = (bytes: Uint8Array) => {
      const path = newPath();
      writeFileSync(path, bytes);
      rejected(path);
    };
    const bytes = readFileSync(good);
    rejectedBytes(new Uint8Array(0));
    rejectedBytes(Uint8Array.from({ length: 1000 }, (_, index) => (index * 97) % 256));
    rejectedBytes(bytes.subarray(0, bytes.length / 2));
    rejectedBytes(bytes.subarray(0, bytes.length - 1));
    rejectedBytes(Buffer.concat([bytes, Buffer.alloc(4)]));
    for (const share of [0.3, 0.6, 0.9]) {
      const struck = Math.floor(share * bytes.length);
      rejectedBytes(bytes.map((byte, index) => (index === struck ? byte ^ 1 : byte)));
    }
    rejected(good, GRAM);
    rejected(good, { scales: 1 });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("progress()", () => {
  it("grows to 1 step by step while the time left falls to 0", () => {
    const painting = begin({ steps: 20, scales: 2 });
    expect(painting.progress()).toMatchObject({
      step: 0,
      total_steps: 20,
      fraction: 0,
      loss: null,
      step_ms: null,
    });
    const fractions: number[] = [0];
    while (!painting.isDone) {
      painting.step();
      const { step, fraction, eta_seconds, step_ms } = painting.progress();
      expect(step).toBe(fractions.length);
      expect(fraction).toBeGreaterThan(fractions.at(-1) ?? 1);
      expect(step_ms).toBeGreaterThan(0);
      expect(eta_seconds === 0).toBe(painting.isDone);
      fractions.push(fraction);
    }
    painting.dispose();
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toHaveLength(21);
  });

  it("weighs each scale by its cost", () => {
    const big = discRaster(256, 256);
    const painting = new Painting(
      network,
      optionsOf({ ...GRAM, steps: 10, scales: 2 }),
      { content: big, styles: [style] },
      null,
    );
    while (painting.progress().scale.index === 0) {
      painting.step();
    }
    const { fraction, scale, step } = painting.progress();
    painting.dispose();
    expect(scale).toEqual({ index: 1, count: 2, width: 256, height: 256 });
    expect(step).toBe(5);
    // Each scale's targets count as a step, and a coarse step costs 0.37 of a fine one: 5 · 0.37 + 2 of 5 · 0.37 + 7.
    expect(fraction).toBeGreaterThan(0.42);
    expect(fraction).toBeLessThan(0.45);
  });
});
