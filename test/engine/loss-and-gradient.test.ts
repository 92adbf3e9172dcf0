import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type LayerWeights, VGG19_LAYERS } from "../../src/contract/vgg19-layers.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import type { Kernels } from "../../workers/engine/network/kernels.ts";
import { nativeKernels } from "../../workers/engine/network/native-kernels.ts";
import { stockKernels } from "../../workers/engine/network/stock-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Objective, type Targets } from "../../workers/engine/objective/objective.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import type { Vgg19Weights } from "../../workers/engine/weights/vgg19-weights.ts";
import {
  type Picture,
  type ReferenceOptions,
  type ReferenceTargets,
  referenceLossAndGradient,
} from "./float64-reference.ts";

/** Bounds that float32 meets with an order of magnitude to spare; a wrong term or factor misses them by orders. */
const LOSS_BOUND = 1e-4;
const GRADIENT_BOUND = 1e-3;

const implementations: [string, Kernels][] = [stockKernels, ...nativeKernels()].map((kernels) => [
  kernels.name,
  kernels,
]);

const base: ReferenceOptions = {
  loss: "gatys",
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
  style_windows: 1,
  tv_weight: 10,
  pooling: "max",
};

const cases: [string, Partial<ReferenceOptions>, number, number][] = [
  ["the source's layers and formulas", {}, 37, 50],
  ["relative losses", { loss: "relative", content_layers: { block4_conv2: 1 }, style_weight: 50 }, 41, 32],
  ["average pooling", { pooling: "average" }, 35, 49],
  ["three windows", { style_windows: 3 }, 37, 50],
  ["as many windows as there may be, relative losses", { style_windows: 8, loss: "relative" }, 50, 33],
  ["relative losses with average pooling", { pooling: "average", loss: "relative" }, 64, 32],
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
      const objective = new Objective(network, options, { content: content as Tensor4D, regions }, stripRows);
      const { loss, gradient } = objective.evaluate(image as Tensor4D);
      objective.dispose();
      return { loss: loss.total, gradient: gradient.dataSync<"float32">() };
    };
    const [whole, striped] = [evaluate(Number.POSITIVE_INFINITY), evaluate(32)];
    expect(Math.abs(striped.loss / whole.loss - 1)).toBeLessThan(1e-5);
    expect(relativeError(striped.gradient, whole.gradient)).toBeLessThan(1e-5);
  });
});

const formulas: [string, Partial<ReferenceOptions>][] = [
  ["Gram matrices", { style_distance: "gram", loss: "gatys" }],
  ["Gram matrices, relative", { style_distance: "gram", loss: "relative" }],
  ["moments", { style_distance: "moments", loss: "gatys" }],
  ["moments, relative", { style_distance: "moments", loss: "relative" }],
  ["Gram matrices in windows", { style_distance: "gram", loss: "relative", style_windows: 3 }],
  ["moments in windows", { style_distance: "moments", loss: "gatys", style_windows: 2 }],
];

describe("loss and gradient by every formula equal the float64 reference", () => {
  const weights = randomWeights(12, 4);
  const network = new Vgg19(weights, chooseKernels());
  afterAll(() => network.dispose());

  it.each(formulas.slice(2))("everywhere: %s", (_name, formula) => {
    compare(network, weights, { ...base, ...formula }, 35, 33);
  });

  it.each(formulas)(
    "with several styles, soft masks and hidden parts, whole and in strips: %s",
    (_, formula) => {
      const [height, width] = [37, 35];
      const mask = (seed: number, h = height, w = width) => ({
        ...{ height: h, width: w },
        data: Array.from(randomPicture(seed, h, w).data).slice(0, h * w),
      });
      const targets: ReferenceTargets = {
        content: randomPicture(2, height, width),
        visible: mask(20),
        regions: [
          {
            styles: [
              { picture: randomPicture(3, 32, 36), visible: mask(53, 32, 36), weight: 2 },
              { picture: randomPicture(4, 33, 20), weight: 0.5 },
            ],
            ...{ where: mask(21), weight: 0.7 },
          },
          { styles: [{ picture: randomPicture(6, 18, 30), weight: 1 }], where: mask(22), weight: 1.3 },
        ],
      };
      const options = { ...base, ...formula, content_layers: { block2_conv2: 1, block4_conv2: 1 } };
      compareTargets(network, weights, options, randomPicture(1, height, width), targets, [undefined, 16]);
    },
  );
});

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
  options: ReferenceOptions,
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
  options: ReferenceOptions,
  image: Picture,
  targets: ReferenceTargets,
  strips: (number | undefined)[],
): void {
  const reference = cachedReference(weights, options, image, targets);
  for (const stripRows of strips) {
    const objective = new Objective(network, options, tensorsOf(targets), stripRows);
    const { loss, gradient } = objective.evaluate(toTensor(image));
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
  const [weights, options, { height, width }, { regions, visible }] = inputs;
  const known = references.get(weights) ?? new Map<string, Reference>();
  references.set(weights, known);
  // Pictures follow from their size, but for those of several styles.
  const key = JSON.stringify([options, height, width]);
  const isPlain = visible === undefined && regions.length === 1;
  const reference = (isPlain && known.get(key)) || referenceLossAndGradient(...inputs);
  if (isPlain) known.set(key, reference);
  return reference;
}

function tensorsOf({ content, visible, regions }: ReferenceTargets): Targets {
  return {
    content: toTensor(content),
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
