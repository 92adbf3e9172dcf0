import {
  LEARNING_RATES,
  longestEdge,
  type Options,
  type PresetName,
  type RequestOptions,
  SCALES_RANGE,
} from "./options.ts";

export const DEFAULT_PRESET: PresetName = "balanced";

type PresetOptions = Omit<Options, "preset" | "seed">;

/** Gatys et al. 2015: one layer of each block, with equal weights. */
const SOURCE_STYLE_LAYERS: Options["style_layers"] = {
  block1_conv1: 0.2,
  block2_conv1: 0.2,
  block3_conv1: 0.2,
  block4_conv1: 0.2,
  block5_conv1: 0.2,
};

const relative: Omit<PresetOptions, "size" | "steps" | "scales"> = {
  optimizer: "lbfgs_then_adam",
  learning_rate: LEARNING_RATES.lbfgs_then_adam,
  loss: "relative",
  content_weight: 1,
  style_weight: 4,
  content_layers: { block3_conv2: 1 }, // shallower than in Gatys et al., to keep details such as eyes (bench/RESULTS.md)
  style_layers: SOURCE_STYLE_LAYERS,
  style_distance: "gram",
  style_windows: 3,
  style_weights: [],
  style_scale: 1,
  preserve_color: "none",
  tv_weight: 40, // strokes instead of grain
  noise: 0,
  pooling: "max",
  init: "recolored",
  init_blend: 0.5,
  preview_interval: 10,
  timelapse_interval: 10,
  output: { format: "png", quality: 90, bit_depth: 8, color_space: "srgb" },
};

/** The presets, in the order in which they are shown. `classic` follows Gatys et al. 2015; the others were chosen by eye. */
export const PRESETS: Record<PresetName, PresetOptions> = {
  draft: {
    ...relative,
    ...{ size: 256, steps: 48, scales: 2 },
    ...{ optimizer: "lbfgs", learning_rate: LEARNING_RATES.lbfgs }, // makes more progress in few steps
  },
  balanced: { ...relative, size: 512, steps: 260, scales: 3 },
  fine: { ...relative, size: 1024, steps: 360, scales: 4 },
  classic: {
    ...relative,
    size: 512,
    steps: 1000,
    scales: 1,
    optimizer: "adam",
    learning_rate: LEARNING_RATES.adam,
    loss: "gatys",
    content_weight: 10,
    style_weight: 40,
    content_layers: { block5_conv4: 1 },
    style_layers: SOURCE_STYLE_LAYERS,
    style_windows: 1,
    tv_weight: 0,
    noise: 0.1,
    init: "content",
  },
};

/**
 * The options that a job runs with: those of the request, and the preset's for the rest.
 *
 * @param seed the seed if the request has none
 * @param contentEdge the content's longest edge, for sizes relative to it
 */
export function resolveOptions(requested: RequestOptions, seed: number, contentEdge = Number.NaN): Options {
  const preset = requested.preset ?? DEFAULT_PRESET;
  const base = PRESETS[preset];
  const given = Object.fromEntries(Object.entries(requested).filter(([, value]) => value !== undefined));
  const size = longestEdge(requested.size ?? base.size, contentEdge);
  return {
    ...base,
    scales: scalesForSize(base, size),
    ...defaultLearningRate(requested),
    seed,
    ...given,
    preset,
    size,
    output: { ...base.output, ...requested.output },
  } as Options;
}

/** The number of scales at which the coarsest, and with it the largest strokes, has the size that the preset has. */
function scalesForSize(preset: PresetOptions, size: number): number {
  const { minimum, maximum } = SCALES_RANGE;
  const doublings = preset.scales === 1 ? 0 : Math.round(Math.log2(size / preset.size));
  return Math.min(maximum, Math.max(minimum, preset.scales + doublings));
}

/** The default learning rate of the requested optimiser; nothing without one. */
export function defaultLearningRate({
  optimizer,
}: Pick<RequestOptions, "optimizer">): Partial<Pick<Options, "learning_rate">> {
  return optimizer === undefined ? {} : { learning_rate: LEARNING_RATES[optimizer] };
}
