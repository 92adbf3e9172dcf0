import type { Layer, LayerWeights } from "../../src/contract/vgg19-layers.ts";
import type { Vgg19Weights } from "../../workers/engine/weights/vgg19-weights.ts";
import { addContent, addStyle, addTotalVariation, shrunk, windowMasks } from "./float64-losses.ts";

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

export interface ReferenceOptions {
  loss: "gatys" | "relative";
  style_distance: "gram" | "moments";
  style_windows: number;
  content_weight: number;
  style_weight: number;
  content_layers: LayerWeights;
  style_layers: LayerWeights;
  tv_weight: number;
  pooling: "max" | "average";
}

/** What counts where, and which styles go where. */
export interface ReferenceTargets {
  content: Picture;
  visible?: Picture;
  regions: {
    styles: { picture: Picture; visible?: Picture; weight: number }[];
    where?: Picture;
    weight: number;
  }[];
}

const BLOCKS = [2, 2, 4, 4, 4];

/**
 * Loss and gradient of the objective in plain float64 loops, written from the formulas of Gatys et al. 2015 and
 * sharing no code with the engine: direct convolutions, autodiff by hand, undivided Gram matrices.
 */
export function referenceLossAndGradient(
  weights: Vgg19Weights,
  options: ReferenceOptions,
  image: Picture,
  { content, visible, regions }: ReferenceTargets,
): { loss: number; gradient: Float64Array } {
  const names = BLOCKS.flatMap((count, block) => [
    ...(block === 0 ? [] : [undefined]),
    ...Array.from({ length: count }, (_, index) => `block${block + 1}_conv${index + 1}` as Layer),
  ]);
  const wanted = [...Object.keys(options.content_layers), ...Object.keys(options.style_layers)];
  const depth = Math.max(...wanted.map((name) => names.indexOf(name as Layer))) + 1;
  const plan = names.slice(0, depth);
  const run = (picture: Picture) => {
    const maps = [preprocess(picture)];
    for (const name of plan) {
      const before = maps.at(-1) as Map64;
      maps.push(name === undefined ? pool(before, options.pooling) : convolve(before, weights[name]));
    }
    return maps;
  };
  const [generated, contentMaps] = [run(image), run(content)];
  const styleMaps = regions.map(({ styles }) => styles.map(({ picture }) => run(picture)));

  let loss = 0;
  let gradient: Map64 | undefined;
  for (let index = plan.length; index > 0; index -= 1) {
    const name = plan[index - 1];
    const map = generated[index] as Map64;
    gradient ??= { ...map, data: new Float64Array(map.data.length) };
    if (name === undefined) {
      gradient = poolBackward(gradient, generated[index - 1] as Map64, map, options.pooling);
      continue;
    }
    const block = Number(name["block".length]) - 1;
    const contentWeight = (options.content_layers[name] ?? 0) * options.content_weight;
    if (contentWeight > 0) {
      const target = contentMaps[index] as Map64;
      const weights = visible && shrunk(visible, block);
      loss += addContent(map, target, contentWeight, options.loss, gradient.data, weights);
    }
    const styleWeight = (options.style_layers[name] ?? 0) * options.style_weight;
    if (styleWeight > 0) {
      for (const [r, region] of regions.entries()) {
        const styles = region.styles.map((style, s) => ({
          map: styleMaps[r]?.[s]?.[index] as Map64,
          weights: style.visible && shrunk(style.visible, block),
          weight: style.weight,
        }));
        const where = region.where && shrunk(region.where, block);
        for (const window of windowMasks(map, options.style_windows)) {
          const mask = where === undefined ? window : window.map((share, p) => share * (where[p] as number));
          loss += addStyle(map, styles, styleWeight * region.weight, options, gradient.data, mask);
        }
      }
    }
    gradient = convolveBackward(gradient, map, weights[name]);
  }
  // The network saw BGR, 0–255, channel by channel: back to RGB in [0, 1].
  const pixels = Float64Array.from(gradient?.data ?? [], (_, i) => {
    const channel = i % 3;
    return 255 * (gradient?.data[i - channel + 2 - channel] ?? 0);
  });
  loss += addTotalVariation(image, options.tv_weight, pixels);
  return { loss, gradient: pixels };
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
