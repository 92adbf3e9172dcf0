import { describe, expect, it } from "@jest/globals";
import type { Options } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { addMargin, foldMargin, sizeWithMargin } from "../../workers/engine/margin.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Objective } from "../../workers/engine/objective.ts";
import { toTensor } from "../../workers/engine/resample.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster } from "../support/rasters.ts";

const [WIDTH, HEIGHT] = [45, 71];

/** How strongly the content holds the last rows and columns of a grey picture, against all of it: root mean squares. */
function holdOfEdges(style_distance: Options["style_distance"]): { rows: number; columns: number } {
  const before = tf.memory().numTensors;
  const network = new Vgg19(randomWeights(1, 16), chooseKernels());
  const content_layers = { block4_conv2: 1 }; // after three poolings, each of which may drop a row
  const options = resolveOptions({ style_distance, content_layers, style_weight: 0, tv_weight: 0 }, 1);
  const painted = { width: WIDTH, height: HEIGHT };
  const size = sizeWithMargin(painted, options);
  const original = toTensor(discRaster(WIDTH, HEIGHT));
  const content = addMargin(original, size);
  const objective = new Objective(network, options, { content, regions: [] });
  const grey = tf.fill([1, size.height, size.width, 3], 0.5) as Tensor4D;
  const evaluation = objective.evaluate(grey);
  const gradient = foldMargin(evaluation.gradient, painted);
  expect(gradient.shape).toEqual(original.shape);
  const values = gradient.dataSync<"float32">();
  const strengthWhere = (isCounted: (row: number, column: number) => boolean) => {
    const squares = values
      .filter((_, index) => isCounted(Math.floor(index / 3 / WIDTH), Math.floor(index / 3) % WIDTH))
      .map((value) => value ** 2);
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  };
  const all = strengthWhere(() => true);
  const hold = {
    rows: strengthWhere((row) => row >= HEIGHT - 3) / all,
    columns: strengthWhere((_, column) => column >= WIDTH - 3) / all,
  };
  tf.dispose([original, content, grey, gradient, evaluation.gradient]);
  objective.dispose();
  network.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return hold;
}

describe("The objective of neighbors", () => {
  it("has the content hold a picture's last rows and columns, which pooling would drop", () => {
    const [seen, dropped] = [holdOfEdges("neighbors"), holdOfEdges("gram")];
    expect(seen.rows).toBeGreaterThan(0.3);
    expect(seen.columns).toBeGreaterThan(0.3);
    expect(dropped.rows).toBeLessThan(0.5 * seen.rows);
    expect(dropped.columns).toBeLessThan(0.5 * seen.columns);
  });
});
