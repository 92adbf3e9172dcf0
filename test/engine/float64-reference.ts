import type { Layer } from "../../src/contract/vgg19-layers.ts";
import { HYPERCOLUMN_LAYERS } from "../../workers/engine/losses/grid.ts";
import type { LossOptions, Phase } from "../../workers/engine/losses/loss.ts";
import { weightsAt } from "../../workers/engine/losses/weights.ts";
import { jitterAt } from "../../workers/engine/objective.ts";
import type { Vgg19Weights } from "../../workers/engine/weights/vgg19-weights.ts";
import { addContent, addGram, addRange, addTotalVariation, shrunk } from "./float64-losses.ts";
import { detailLoss, type Maps, neighborLoss, type StyledRegion } from "./float64-neighbors.ts";

/** A feature map in float64, channels last. */
export interface Map64 {
  height: number;
  width: number;
  channels: number;
  data: Float64Array;
}

export interface Picture {
  height: number;
  width: number;
  /** RGB in [0, 1]; a mask's one channel in [0, 1]. */
  data: ArrayLike<number>;
}

/** What counts where, and which styles go where. */
export interface ReferenceTargets {
  content: Picture;
  /** What is matched with the styles beside the content. */
  start?: Picture;
  visible?: Picture;
  regions: {
    styles: { picture: Picture; visible?: Picture; weight: number }[];
    where?: Picture;
    weight: number;
  }[];
}

const BLOCKS = [2, 2, 4, 4, 4];

/**
 * Loss and gradient of the objective in plain float64 loops, written from the formulas of Gatys et al. 2015 and Kolkin et
 * al. 2022, sharing no arithmetic with the engine: direct convolutions, autodiff by hand.
 */
export function referenceLossAndGradient(
  weights: Vgg19Weights,
  options: LossOptions,
  image: Picture,
  { content, start, visible, regions }: ReferenceTargets,
  phase: Phase = "shapes",
  step = 0,
): { loss: number; gradient: Float64Array } {
  const isRelative = options.style_distance === "neighbors";
  const frame = isRelative ? 16 : 0;
  const { down, right } = isRelative ? jitterAt(options.seed, step, phase) : { down: 0, right: 0 };
  const { content: alpha, shallowContent, gram: beta, mix } = weightsAt(image, options);
  const names = BLOCKS.flatMap((count, block) => [
    ...(block === 0 ? [] : [undefined]),
    ...Array.from({ length: count }, (_, index) => `block${block + 1}_conv${index + 1}` as Layer),
  ]);
  const wanted = [
    ...[...Object.keys(options.content_layers), ...Object.keys(options.style_layers)],
    ...(isRelative ? HYPERCOLUMN_LAYERS : []),
  ];
  const depth = Math.max(...wanted.map((name) => names.indexOf(name as Layer))) + 1;
  const plan = names.slice(0, depth);
  const run = (picture: Picture, moved: Moved = STILL) => {
    const maps = [preprocess(framed(picture, frame, moved))];
    for (const name of plan) {
      const before = maps.at(-1) as Map64;
      maps.push(name === undefined ? pool(before, options.pooling) : convolve(before, weights[name]));
    }
    return maps;
  };
  /** What of a map lies inside of the frame. */
  const inside = (maps: Map64[], index: number, picture: Picture) =>
    cropped(maps[index] as Map64, frame, picture, blockOf(plan[index - 1] as Layer));
  const hypercolumnMaps = (maps: Map64[], picture: Picture): Maps =>
    new Map(HYPERCOLUMN_LAYERS.map((layer) => [layer, inside(maps, plan.indexOf(layer) + 1, picture)]));
  const moved = { down: fits(image.height, frame, down), right: fits(image.width, frame, right) };
  const [generated, contentMaps] = [run(image, moved), run(content)];
  const styleMaps = regions.map(({ styles }) => styles.map(({ picture }) => run(picture)));

  let loss = 0;
  let matched = new Map<Layer, Float64Array>();
  if (isRelative && options.style_weight > 0) {
    const styled = regions.map(
      ({ styles, where, weight }, r): StyledRegion => ({
        ...{ where, weight },
        styles: styles.map((style, s) => ({
          maps: hypercolumnMaps(styleMaps[r]?.[s] as Map64[], style.picture),
          ...{ visible: style.visible, weight: style.weight },
        })),
      }),
    );
    const maps = hypercolumnMaps(generated, image);
    const mixed = start === undefined ? content : mixture(content, start, mix);
    const part =
      phase === "shapes"
        ? neighborLoss(maps, hypercolumnMaps(run(mixed), mixed), styled)
        : detailLoss(maps, styled, options.seed, step);
    loss += part.loss;
    matched = part.gradients;
  }
  let gradient: Map64 | undefined;
  for (let index = plan.length; index > 0; index -= 1) {
    const name = plan[index - 1];
    const whole = generated[index] as Map64;
    gradient ??= { ...whole, data: new Float64Array(whole.data.length) };
    if (name === undefined) {
      gradient = poolBackward(gradient, generated[index - 1] as Map64, whole, options.pooling);
      continue;
    }
    const block = blockOf(name);
    const map = inside(generated, index, image);
    const own = matched.get(name) ?? new Float64Array(map.data.length);
    const contentWeight = (options.content_layers[name] ?? 0) * (block < 3 ? shallowContent : alpha);
    if (contentWeight > 0) {
      const target = inside(contentMaps, index, content);
      loss += addContent(map, target, contentWeight, isRelative, own, visible && shrunk(visible, block));
    }
    const styleWeight = (options.style_layers[name] ?? 0) * beta;
    if (styleWeight > 0) {
      for (const [r, region] of regions.entries()) {
        const styles = region.styles.map((style, s) => ({
          map: inside(styleMaps[r]?.[s] as Map64[], index, style.picture),
          weights: style.visible && shrunk(style.visible, block),
          weight: style.weight,
        }));
        const where = region.where && shrunk(region.where, block);
        loss += addGram(map, styles, styleWeight * region.weight, isRelative, own, where);
      }
    }
    addInside(gradient, { ...map, data: own }, Math.floor(frame / 2 ** block));
    gradient = convolveBackward(gradient, whole, weights[name]);
  }
  // The network saw BGR, 0–255, channel by channel: back to RGB in [0, 1].
  const pixels = Float64Array.from(gradient?.data ?? [], (_, i) => {
    const channel = i % 3;
    return 255 * (gradient?.data[i - channel + 2 - channel] ?? 0);
  });
  const unframed = foldFrame(pixels, frame, moved, image);
  if (isRelative) loss += addRange(image, unframed);
  loss += addTotalVariation(image, options.tv_weight, unframed);
  return { loss, gradient: unframed };
}

const blockOf = (layer: Layer) => Number(layer["block".length]) - 1;

function mixture(a: Picture, b: Picture, share: number): Picture {
  return {
    ...a,
    data: Array.from(a.data, (value, i) => share * value + (1 - share) * (b.data[i] as number)),
  };
}

/** How far a picture is moved within its frame. */
interface Moved {
  down: number;
  right: number;
}
const STILL: Moved = { down: 0, right: 0 };

const fits = (edge: number, frame: number, by: number) => (edge < frame + Math.abs(by) ? 0 : by);

/** Where each pixel of a framed picture comes from: the picture goes on as in a mirror. */
function mirrored(edge: number, frame: number, by: number): number[] {
  return Array.from({ length: edge + 2 * frame }, (_, index) => {
    const at = index - frame - by;
    return at < 0 ? -1 - at : at >= edge ? 2 * edge - 1 - at : at;
  });
}

function framed({ height, width, data }: Picture, frame: number, { down, right }: Moved): Picture {
  const [rows, columns] = [mirrored(height, frame, down), mirrored(width, frame, right)];
  const values = rows.flatMap((y) =>
    columns.flatMap((x) => [0, 1, 2].map((c) => data[(y * width + x) * 3 + c] as number)),
  );
  return { height: rows.length, width: columns.length, data: values };
}

function foldFrame(
  gradient: Float64Array,
  frame: number,
  { down, right }: Moved,
  { height, width }: Picture,
): Float64Array {
  const folded = new Float64Array(height * width * 3);
  const columns = mirrored(width, frame, right);
  for (const [row, y] of mirrored(height, frame, down).entries()) {
    for (const [column, x] of columns.entries()) {
      for (const c of [0, 1, 2]) {
        const to = (y * width + x) * 3 + c;
        folded[to] = (folded[to] as number) + (gradient[(row * columns.length + column) * 3 + c] as number);
      }
    }
  }
  return folded;
}

function cropped(map: Map64, frame: number, picture: Picture, block: number): Map64 {
  const edge = 2 ** block;
  const offset = Math.floor(frame / edge);
  const [height, width] = [Math.floor(picture.height / edge), Math.floor(picture.width / edge)];
  const { channels } = map;
  const data = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y += 1) {
    const from = ((y + offset) * map.width + offset) * channels;
    data.set(map.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { height, width, channels, data };
}

function addInside(whole: Map64, { height, width, channels, data }: Map64, offset: number): void {
  for (let i = 0; i < height * width * channels; i += 1) {
    const [y, x] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
    const to = ((y + offset) * whole.width + x + offset) * channels + (i % channels);
    whole.data[to] = (whole.data[to] as number) + (data[i] as number);
  }
}

function preprocess({ height, width, data }: Picture): Map64 {
  const mean = [103.939, 116.779, 123.68];
  const bgr = Float64Array.from(data, (_, i) => {
    const channel = i % 3;
    return (data[i - channel + 2 - channel] ?? 0) * 255 - (mean[channel] ?? 0);
  });
  return { height, width, channels: 3, data: bgr };
}

/** With bias and ReLU. */
export function convolve(x: Map64, { kernel, bias, outputs }: Vgg19Weights[Layer]): Map64 {
  const y = new Float64Array(x.height * x.width * outputs);
  forEachTap(x, (from, to, tap) => {
    for (let i = 0; i < x.channels; i += 1) {
      const value = x.data[from * x.channels + i] as number;
      for (let o = 0; o < outputs; o += 1) {
        y[to * outputs + o] =
          (y[to * outputs + o] as number) + value * (kernel[(tap * x.channels + i) * outputs + o] as number);
      }
    }
  });
  for (let i = 0; i < y.length; i += 1) {
    y[i] = Math.max(0, (y[i] as number) + (bias[i % outputs] as number));
  }
  return { ...x, channels: outputs, data: y };
}

function convolveBackward(
  gradient: Map64,
  y: Map64,
  { kernel, inputs, outputs }: Vgg19Weights[Layer],
): Map64 {
  const dx = new Float64Array(y.height * y.width * inputs);
  forEachTap(y, (from, to, tap) => {
    for (let o = 0; o < outputs; o += 1) {
      if ((y.data[to * outputs + o] as number) > 0) {
        const dy = gradient.data[to * outputs + o] as number;
        for (let i = 0; i < inputs; i += 1) {
          dx[from * inputs + i] =
            (dx[from * inputs + i] as number) + dy * (kernel[(tap * inputs + i) * outputs + o] as number);
        }
      }
    }
  });
  return { ...y, channels: inputs, data: dx };
}

/** Every pair of input and output position that a tap of a 3×3 kernel joins, zeros outside left out. */
function forEachTap({ height, width }: Map64, visit: (from: number, to: number, tap: number) => void): void {
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let tap = 0; tap < 9; tap += 1) {
        const row = y + Math.floor(tap / 3) - 1;
        const column = x + (tap % 3) - 1;
        if (row >= 0 && row < height && column >= 0 && column < width) {
          visit(row * width + column, y * width + x, tap);
        }
      }
    }
  }
}

function pool(x: Map64, pooling: "max" | "average"): Map64 {
  const height = Math.floor(x.height / 2);
  const width = Math.floor(x.width / 2);
  const y = { height, width, channels: x.channels, data: new Float64Array(height * width * x.channels) };
  forEachWindow(x, y, (window, to) => {
    const values = window.map((from) => x.data[from] as number);
    y.data[to] = pooling === "max" ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / 4;
  });
  return y;
}

function poolBackward(gradient: Map64, x: Map64, y: Map64, pooling: "max" | "average"): Map64 {
  const dx = new Float64Array(x.data.length);
  forEachWindow(x, y, (window, to) => {
    const dy = gradient.data[to] as number;
    if (pooling === "average") {
      for (const from of window) {
        dx[from] = dy / 4;
      }
    } else {
      const first = window.find((from) => x.data[from] === y.data[to]);
      dx[first as number] = dy;
    }
  });
  return { ...x, data: dx };
}

function forEachWindow(x: Map64, y: Map64, visit: (window: number[], to: number) => void): void {
  for (let to = 0; to < y.data.length; to += 1) {
    const channel = to % y.channels;
    const column = Math.floor(to / y.channels) % y.width;
    const row = Math.floor(to / y.channels / y.width);
    const window = [0, 1, 2, 3].map(
      (i) => ((row * 2 + (i >> 1)) * x.width + column * 2 + (i & 1)) * x.channels + channel,
    );
    visit(window, to);
  }
}
