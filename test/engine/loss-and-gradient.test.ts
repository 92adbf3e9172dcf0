import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type LayerWeights, VGG19_LAYERS } from "../../src/contract/vgg19-layers.ts";
import type { LossOptions, Phase } from "../../workers/engine/losses/loss.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import type { Kernels } from "../../workers/engine/network/kernels.ts";
import { nativeKernels } from "../../workers/engine/network/native-kernels.ts";
import { tfjsKernels } from "../../workers/engine/network/tfjs-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Objective, type Targets } from "../../workers/engine/objective.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import type { Vgg19Weights } from "../../workers/engine/weights/vgg19-weights.ts";
import { type Picture, type ReferenceTargets, referenceLossAndGradient } from "./float64-reference.ts";

/** Bounds that float32 meets with an order of magnitude to spare; a wrong term or factor misses them by orders. */
const LOSS_BOUND = 1e-4;
const GRADIENT_BOUND = 1e-3;

const implementations: [string, Kernels][] = [tfjsKernels, ...nativeKernels()].map((kernels) => [
  kernels.name,
  kernels,
]);

const base: LossOptions = {
  content_weight: 3,
  style_weight: 0.5,
  content_layers: { block5_conv4: 1 },
  style_layers: {
    block1_conv1: 0.2,
    block2_conv1: 0.2,
    block3_conv1: 0.2,
    block4_conv1: 0.2,
    block5_conv1: 0.2,
  },
  style_distance: "gram",
  tv_weight: 10,
  pooling: "max",
  seed: 7,
};
const neighbors: LossOptions = {
  ...base,
  style_distance: "neighbors",
  content_weight: 1,
  style_weight: 3,
  content_layers: { block3_conv1: 1, block4_conv1: 1 },
  style_layers: { block1_conv1: 1, block2_conv1: 1, block3_conv1: 1, block4_conv1: 1 },
  tv_weight: 0.5,
};

const cases: [string, Partial<LossOptions>, number, number][] = [
  ["the source's layers and formulas", {}, 37, 50],
  ["average pooling", { pooling: "average" }, 35, 49],
  [
    "several content layers, and all last layers of a block as style",
    {
      content_layers: { block1_conv2: 0.5, block3_conv3: 1, block4_conv1: 2 },
      style_layers: { block1_conv2: 1, block2_conv2: 2, block3_conv4: 3, block4_conv4: 1, block4_conv1: 0.5 },
    },
    39,
    33,
  ],
];

const weights = randomWeights(11, 4);

describe.each(implementations)("loss and gradient on %s kernels", (_name, kernels) => {
  let network: Vgg19;

  beforeAll(() => {
    network = new Vgg19(weights, kernels);
  });
  afterAll(() => network.dispose());

  it.each(cases)("equal the float64 reference: %s", (_case, options, height, width) => {
    compare(network, weights, { ...base, ...options }, height, width);
  });

  it.each(VGG19_LAYERS)("equal the float64 reference with %s as the content layer", (layer) => {
    compare(
      network,
      weights,
      { ...base, content_layers: { [layer]: 1 }, style_layers: { block1_conv1: 1 } },
      33,
      35,
    );
  });

  it.each(cases)("equal the float64 reference strip by strip: %s", (_case, options, height, width) => {
    compare(network, weights, { ...base, ...options }, height, width, 16);
  });

  it.each([
    ["even", 96, 64],
    ["odd", 101, 67],
  ])("do not change when computed strip by strip, %s sizes", (_size, height, width) => {
    const options = { ...base, content_layers: { block1_conv2: 0.3, block4_conv2: 1 } };
    const [image, content, style] = [1, 2, 3].map((seed) => toTensor(randomPicture(seed, height, width)));
    const evaluate = (stripRows: number) => {
      const regions = [{ styles: [{ picture: style as Tensor4D, weight: 1 }], weight: 1 }];
      const objective = new Objective(
        network,
        options,
        { content: content as Tensor4D, regions },
        "shapes",
        stripRows,
      );
      const { loss, gradient } = objective.evaluate(image as Tensor4D);
      objective.dispose();
      return { loss: loss.total, gradient: gradient.dataSync<"float32">() };
    };
    const [whole, striped] = [evaluate(Number.POSITIVE_INFINITY), evaluate(32)];
    expect(Math.abs(striped.loss / whole.loss - 1)).toBeLessThan(1e-5);
    expect(relativeError(striped.gradient, whole.gradient)).toBeLessThan(1e-5);
  });
});

/** The same for all kernels, so that a reference is computed once. */
const shared = randomWeights(13, 4);

describe.each(implementations)("loss and gradient of neighbours on %s kernels", (_name, kernels) => {
  const weights = shared;
  const network = new Vgg19(weights, kernels);
  afterAll(() => network.dispose());

  it.each([
    ["shapes", {}, 40, 32],
    ["details", {}, 40, 32],
    ["details", {}, 16, 136], // longer than the grid of positions that are compared
    ["shapes", { pooling: "average", style_weight: 10 }, 24, 48],
    ["details", { style_layers: { block5_conv1: 1 }, content_layers: { block5_conv2: 1 } }, 32, 32],
  ] as [Phase, Partial<LossOptions>, number, number][])(
    "equal the float64 reference, whole and in strips: %s with %j, %i × %i",
    (phase, more, height, width) => {
      const targets: ReferenceTargets = {
        content: randomPicture(2, height, width),
        start: randomPicture(9, height, width),
        regions: [{ styles: [{ picture: randomPicture(3, 32, 48), weight: 1 }], weight: 1 }],
      };
      const image = outOfRange(randomPicture(1, height, width));
      compareTargets(network, weights, { ...neighbors, ...more }, image, targets, [undefined, 16], phase);
    },
  );

  it.each<Phase>(["shapes", "details"])(
    "equal the float64 reference with several styles, soft masks and hidden parts: %s",
    (phase) => {
      const [height, width] = [40, 32];
      const image = randomPicture(1, height, width);
      compareTargets(network, weights, neighbors, image, crowd(height, width), [undefined, 16], phase);
    },
  );
});

describe("loss and gradient of Gram matrices equal the float64 reference", () => {
  const weights = randomWeights(12, 4);
  const network = new Vgg19(weights, chooseKernels());
  afterAll(() => network.dispose());

  it("with several styles, soft masks and hidden parts, whole and in strips", () => {
    const [height, width] = [37, 35];
    const options = { ...base, content_layers: { block2_conv2: 1, block4_conv2: 1 } };
    const image = randomPicture(1, height, width);
    compareTargets(network, weights, options, image, crowd(height, width), [undefined, 16]);
  });
});

/** Several styles in several regions, with soft masks, and hidden parts of a style and the content. */
function crowd(height: number, width: number): ReferenceTargets {
  const mask = (seed: number, h = height, w = width) => ({
    ...{ height: h, width: w },
    data: Array.from(randomPicture(seed, h, w).data).slice(0, h * w),
  });
  return {
    content: randomPicture(2, height, width),
    start: randomPicture(9, height, width),
    visible: mask(20),
    regions: [
      {
        styles: [
          { picture: randomPicture(3, 32, 40), visible: mask(53, 32, 40), weight: 2 },
          { picture: randomPicture(4, 32, 24), weight: 0.5 },
        ],
        ...{ where: mask(21), weight: 0.7 },
      },
      { styles: [{ picture: randomPicture(6, 16, 32), weight: 1 }], where: mask(22), weight: 1.3 },
    ],
  };
}

/** Some of its values below 0 and above 1. */
function outOfRange({ height, width, data }: Picture): Picture {
  return { height, width, data: Array.from(data, (value) => 1.6 * value - 0.3) };
}

it("loss and gradient equal the float64 reference at VGG-19's full width", () => {
  const weights = randomWeights(5, 1);
  const network = new Vgg19(weights, chooseKernels());
  const style_layers: LayerWeights = { block1_conv1: 1, block2_conv1: 1, block3_conv1: 1 };
  compare(network, weights, { ...base, content_layers: { block3_conv2: 1 }, style_layers }, 19, 17);
  network.dispose();
});

function compare(
  network: Vgg19,
  weights: Vgg19Weights,
  options: LossOptions,
  height: number,
  width: number,
  stripRows?: number,
): void {
  const [image, content, style] = [
    randomPicture(1, height, width),
    randomPicture(2, height, width),
    randomPicture(3, height + 5, width - 4),
  ];
  const targets: ReferenceTargets = {
    content,
    regions: [{ styles: [{ picture: style, weight: 1 }], weight: 1 }],
  };
  compareTargets(network, weights, options, image, targets, [stripRows]);
}

function compareTargets(
  network: Vgg19,
  weights: Vgg19Weights,
  options: LossOptions,
  image: Picture,
  targets: ReferenceTargets,
  strips: (number | undefined)[],
  phase: Phase = "shapes",
): void {
  const step = 5;
  const reference = cachedReference(weights, options, image, targets, phase, step);
  for (const stripRows of strips) {
    const objective = new Objective(network, options, tensorsOf(targets), phase, stripRows);
    const { loss, gradient } = objective.evaluate(toTensor(image), step);
    const error = relativeError(gradient.dataSync<"float32">(), reference.gradient);
    gradient.dispose();
    objective.dispose();
    expect(Math.abs(loss.total - reference.loss) / reference.loss).toBeLessThan(LOSS_BOUND);
    expect(error).toBeLessThan(GRADIENT_BOUND);
  }
}

type Reference = ReturnType<typeof referenceLossAndGradient>;
const references = new WeakMap<Vgg19Weights, Map<string, Reference>>();

/** The reference does not depend on kernels or strips, and takes most of the time: each is computed once. */
function cachedReference(...inputs: Parameters<typeof referenceLossAndGradient>): Reference {
  const [weights, options, { height, width }, { regions, visible }, phase] = inputs;
  const known = references.get(weights) ?? new Map<string, Reference>();
  references.set(weights, known);
  // Pictures follow from their size, but for those of several styles.
  const key = JSON.stringify([options, height, width, phase]);
  const isPlain = visible === undefined && regions.length === 1;
  const reference = (isPlain && known.get(key)) || referenceLossAndGradient(...inputs);
  if (isPlain) known.set(key, reference);
  return reference;
}

function tensorsOf({ content, start, visible, regions }: ReferenceTargets): Targets {
  return {
    content: toTensor(content),
    ...(start && { start: toTensor(start), isFirstScale: false }),
    visible: visible && toTensor(visible),
    regions: regions.map(({ styles, where, weight }) => ({
      styles: styles.map((style) => ({
        picture: toTensor(style.picture),
        visible: style.visible && toTensor(style.visible),
        weight: style.weight,
      })),
      where: where && toTensor(where),
      weight,
    })),
  };
}

/** Smooth waves with noise over them: neighbouring pixels are alike, as in a photograph. */
function randomPicture(seed: number, height: number, width: number): Picture {
  const noise = tf.randomUniform([height * width * 3], 0, 0.3, "float32", seed);
  const data = noise.dataSync().map((value, i) => {
    const position = Math.floor(i / 3);
    const [row, column] = [Math.floor(position / width), position % width];
    return value + 0.35 + 0.3 * Math.sin(row / (3 + seed) + (i % 3)) * Math.cos(column / (5 - seed));
  });
  noise.dispose();
  return { height, width, data };
}

function toTensor({ height, width, data }: Picture) {
  return tf.tensor4d(Float32Array.from(data), [1, height, width, data.length / (height * width)]);
}

/** ‖a − b‖ / ‖b‖. */
function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    norm += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / norm);
}
