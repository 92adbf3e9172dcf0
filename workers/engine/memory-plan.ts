import type { EngineDescription } from "../../src/contract/engine-description.ts";
import { type Options, styleScale } from "../../src/contract/options.ts";
import { type Layer, type LayerWeights, VGG19_LAYERS } from "../../src/contract/vgg19-layers.ts";
import type { Size } from "../../src/pictures/picture-size.ts";
import { HYPERCOLUMN_LAYERS } from "./losses/grid.ts";
import { sizeWithMargin } from "./margin.ts";
import { blockOf, deepestLayer, gridReduction, type Stage, stagesUpTo } from "./network/stages.ts";
import { STRIP_ALIGNMENT, splitAtBoundary } from "./network/strips.ts";
import type { Scale } from "./schedule.ts";
import { layerChannels } from "./weights/vgg19-weights.ts";

const MIB = 2 ** 20;
const FLOAT = 4;

/** What the process holds without any picture: Node and TensorFlow (measured: 370 MiB), scratch memory, what loading left. */
const BASE_BYTES = 600 * MIB;
/** Up to here the picture is computed whole: strips compute the shallow blocks a second time. */
const COMFORTABLE_BYTES = 4096 * MIB;
/** Gradients in flight while the activations are still held, in feature maps of the largest layer. */
const GRADIENTS_IN_FLIGHT = 3;
/** While a layer's Gram matrix is compared with the style's: product, difference, gradient. */
const MATRICES_IN_COMPARISON = 4;
/** Pictures that the optimiser holds, and those on the way: a pyramid has a third more numbers than its picture. */
const PICTURES = { neighbors: 16, gram: 8 };
/** Hypercolumns that are held while the picture is matched, at most: the picture's, the style's, targets, and copies on the way. */
const HYPERCOLUMNS_IN_MATCHING = 5;
/** Cosines that are held at once: a block of them, with its prices. */
const COSINE_BYTES = 3 * 2 ** 24 * FLOAT;
/** Strips to choose from, tallest first: the halo of 16 rows is computed for each. */
const STRIP_ROWS = [512, 256, 128, 64, 32, STRIP_ALIGNMENT];

/** The painting cannot fit into the memory that the engine may use. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

type PlannedOptions = Pick<Options, "style_distance" | "content_layers" | "style_layers">;
type PaintedOptions = PlannedOptions & Pick<Options, "style_scale">;

/**
 * How many rows a strip gets for a picture of this size: Infinity (the picture whole) where that is comfortable, else
 * the tallest strips that fit.
 *
 * @param available bytes that the engine may hold in all
 * @throws OutOfMemoryError where not even the smallest strips fit
 */
export function planStrips(
  width: number,
  height: number,
  options: PlannedOptions,
  available: number,
  kernels: EngineDescription["kernels"] = "avx2",
): number {
  const estimate = (rows: number) => estimateBytes(width, height, options, rows, kernels);
  if (estimate(Number.POSITIVE_INFINITY) <= Math.min(COMFORTABLE_BYTES, available)) {
    return Number.POSITIVE_INFINITY;
  }
  const fitting = STRIP_ROWS.find((rows) => estimate(rows) <= available);
  if (fitting === undefined) {
    const needed = estimate(STRIP_ALIGNMENT);
    throw new OutOfMemoryError(
      `a picture of ${width} × ${height} px needs about ${Math.ceil(needed / MIB)} MiB, the engine has ${Math.floor(available / MIB)} MiB: ask for a smaller size`,
    );
  }
  return fitting;
}

/**
 * Rows of a strip at each scale of a painting.
 *
 * @param available bytes that the engine may hold in all
 * @param before the strips that it was begun with, which are kept where they fit: other strips round differently
 * @throws OutOfMemoryError where the smallest strips do not fit
 */
export function planScales(
  scales: readonly Scale[],
  options: PaintedOptions,
  available: number,
  kernels: EngineDescription["kernels"],
  before: readonly number[] = [],
): number[] {
  return scalesSeen(scales, options).map(({ width, height, own }, index) => {
    const known = before[index];
    return known !== undefined && estimateBytes(width, height, own, known, kernels) <= available
      ? known
      : planStrips(width, height, own, available, kernels);
  });
}

/** Each scale's size and its own options. A style that is larger than the picture decides. */
function scalesSeen(scales: readonly Scale[], options: PaintedOptions) {
  const { style_scale } = options;
  const largest = Math.max(1, ...[style_scale].flat().map((_, index) => styleScale(style_scale, index)));
  return scales.map((scale) => {
    const { width, height } = sizeWithMargin(scale, options);
    return {
      ...{ width: width * largest, height: height * largest },
      own: options,
    };
  });
}

/** An upper estimate of the engine's memory at its peak, in bytes. */
export function estimateBytes(
  width: number,
  height: number,
  options: PlannedOptions,
  stripRows: number,
  kernels: EngineDescription["kernels"] = "avx2",
): number {
  const { contentLayers, styleLayers } = layersOf(options);
  const weights = weightBytes(stagesUpTo(deepestLayer([...contentLayers, ...styleLayers])));
  const copies = kernels === "tfjs" ? 2 : 1;
  return BASE_BYTES + copies * weights + ownBytes(width, height, options, stripRows, kernels);
}

/** The part of it that is the painting's own. */
function ownBytes(
  width: number,
  height: number,
  options: PlannedOptions,
  stripRows: number,
  kernels: EngineDescription["kernels"],
): number {
  const { contentLayers, styleLayers } = layersOf(options);
  const { shallow, deep } = splitAtBoundary(stagesUpTo(deepestLayer([...contentLayers, ...styleLayers])));
  const rows = Math.min(height, stripRows + STRIP_ALIGNMENT);
  // TensorFlow's own kernels go back over the maps themselves.
  const captured = new Set(kernels === "tfjs" ? VGG19_LAYERS : [...contentLayers, ...styleLayers]);
  const shallowMaps = mapBytes(shallow, width, rows, 1);
  const deepMaps = mapBytes(deep, width, height, 4);
  const kept = keptBytes(shallow, shallowMaps, captured) + keptBytes(deep, deepMaps, captured);
  const targets = contentLayers.map((layer) => {
    const reduction = 2 ** blockOf(layer);
    return (width * height * layerChannels(layer).outputs * FLOAT) / reduction ** 2;
  });
  const boundary = width * height * 8 * FLOAT * 2; // 128 channels at a quarter of each edge, and its gradient
  const largest = Math.max(0, ...shallowMaps, ...deepMaps);
  const pictures = PICTURES[options.style_distance] * width * height * 3 * FLOAT;
  const lasting = sum(targets) + boundary + gramBytes(styleLayers);
  const evaluation = kept + GRADIENTS_IN_FLIGHT * largest + pictures;
  if (options.style_distance === "gram") return lasting + evaluation;
  // The picture is matched before it is evaluated; what lasts of that is the targets.
  const hypercolumns = hypercolumnBytes({ width, height });
  const matching =
    (HYPERCOLUMNS_IN_MATCHING - 1) * hypercolumns + COSINE_BYTES + keptBytes(deep, deepMaps, captured);
  return lasting + hypercolumns + Math.max(evaluation, matching);
}

/** A Gram matrix of every layer, and of the widest one those it is compared by. */
function gramBytes(layers: readonly Layer[]): number {
  const matrices = layers.map((layer) => layerChannels(layer).outputs ** 2 * FLOAT);
  return sum(matrices) + MATRICES_IN_COMPARISON * Math.max(0, ...matrices);
}

function hypercolumnBytes(size: Size): number {
  const positions = (size.width * size.height) / gridReduction(size) ** 2;
  return positions * sum(HYPERCOLUMN_LAYERS.map((layer) => layerChannels(layer).outputs)) * FLOAT;
}

function layersOf({ style_distance, content_layers, style_layers }: PlannedOptions) {
  const weighted = (weights: LayerWeights) => VGG19_LAYERS.filter((layer) => (weights[layer] ?? 0) > 0);
  const hypercolumns = style_distance === "neighbors" ? HYPERCOLUMN_LAYERS : [];
  const styleLayers = VGG19_LAYERS.filter(
    (layer) => hypercolumns.includes(layer) || (style_layers[layer] ?? 0) > 0,
  );
  return { contentLayers: weighted(content_layers), styleLayers };
}

/** Bytes of every stage's output. */
function mapBytes(stages: readonly Stage[], width: number, height: number, firstReduction: number): number[] {
  let reduction = firstReduction;
  let channels = 3;
  return stages.map((stage) => {
    if (stage.kind === "pooling") {
      reduction *= 2;
    } else {
      channels = layerChannels(stage.layer).outputs;
    }
    return (width / reduction) * (height / reduction) * channels * FLOAT;
  });
}

/** What is kept for the way back: the maps that are captured, and of each one a few bits a number. */
function keptBytes(stages: readonly Stage[], maps: readonly number[], captured: ReadonlySet<Layer>): number {
  const shares = stages.map((stage) =>
    stage.kind === "pooling" ? 4 / 32 : captured.has(stage.layer) ? 1 + 1 / 32 : 1 / 32,
  );
  return sum(maps.map((bytes, index) => bytes * (shares[index] ?? 1)));
}

/** Kernels as they are: 9 numbers for each pair of channels. */
function weightBytes(stages: readonly Stage[]): number {
  return sum(
    stages.map((stage) => {
      if (stage.kind === "pooling") {
        return 0;
      }
      const { inputs, outputs } = layerChannels(stage.layer);
      return 9 * inputs * outputs * FLOAT;
    }),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
