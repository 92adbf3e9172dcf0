import { longestEdge, type Options, type PresetName, type RequestOptions, SCALES_RANGE } from "./options.ts";

export const DEFAULT_PRESET: PresetName = "balanced";

type PresetOptions = Omit<Options, "preset" | "seed">;

/** The options that all presets share. */
const common: Pick<
  PresetOptions,
  | ("style_weights" | "style_scale" | "preserve_color" | "tv_weight" | "pooling" | "init" | "init_blend")
  | ("preview_interval" | "timelapse_interval" | "frame" | "output")
> = {
  style_weights: [],
  style_scale: 1,
  preserve_color: "none",
  tv_weight: 0,
  pooling: "max",
  init: "content",
  init_blend: 0.5,
  preview_interval: 10,
  timelapse_interval: 10,
  frame: "only",
  output: { format: "png", quality: 90, bit_depth: 8, color_space: "srgb" },
};

const neighbors: Omit<PresetOptions, "size" | "steps" | "scales"> = {
  ...common,
  style_distance: "neighbors",
  learning_rate: 0.01,
  content_weight: 1,
  style_weight: 3,
  content_layers: { block3_conv1: 1, block4_conv1: 1 },
  style_layers: { block1_conv1: 1, block2_conv1: 1, block3_conv1: 1, block4_conv1: 1 },
  noise: 0,
};

/** The presets, in the order in which they are shown. `classic` follows Gatys et al. 2015; the others were chosen by eye. */
export const PRESETS: Record<PresetName, PresetOptions> = {
  draft: { ...neighbors, size: 256, steps: 40, scales: 3 },
  balanced: { ...neighbors, size: 512, steps: 80, scales: 4 },
  fine: { ...neighbors, size: 1024, steps: 96, scales: 5 },
  classic: {
    ...common,
    style_distance: "gram",
    ...{ size: 512, steps: 1000, scales: 1 },
    learning_rate: 0.02,
    content_weight: 10,
    style_weight: 40,
    content_layers: { block5_conv4: 1 },
    // One of each block, all alike.
    style_layers: {
      ...{ block1_conv1: 0.2, block2_conv1: 0.2, block3_conv1: 0.2 },
      ...{ block4_conv1: 0.2, block5_conv1: 0.2 },
    },
    noise: 0.1,
  },
};

/** The preset that sets the options if the requested method differs from the requested preset's. */
const PRESET_OF_METHOD = { neighbors: "balanced", gram: "classic" } as const;

/** The options that suit one method only. */
export function methodOptions(method: Options["style_distance"]): Partial<Options> {
  const { learning_rate, content_weight, style_weight, content_layers, style_layers } =
    PRESETS[PRESET_OF_METHOD[method]];
  return { learning_rate, content_weight, style_weight, content_layers, style_layers };
}

/**
 * The options that a job runs with: those of the request, and the preset's for the rest.
 *
 * @param seed the seed if the request has none
 * @param contentEdge the content's longest edge, for sizes relative to it
 */
export function resolveOptions(requested: RequestOptions, seed: number, contentEdge = Number.NaN): Options {
  const preset = requested.preset ?? DEFAULT_PRESET;
  const own = PRESETS[preset];
  const method = requested.style_distance ?? own.style_distance;
  const base = method === own.style_distance ? own : { ...PRESETS[PRESET_OF_METHOD[method]], size: own.size };
  const given = Object.fromEntries(Object.entries(requested).filter(([, value]) => value !== undefined));
  const size = longestEdge(requested.size ?? base.size, contentEdge);
  return {
    ...base,
    scales: scalesForSize(base, size),
    seed,
    ...given,
    preset,
    size,
    output: { ...base.output, ...requested.output },
  } as Options;
}

/** How much smaller than the preset's the coarsest scale may be, in octaves: smaller still, it loses the composition. */
const SMALLER_COARSEST = 0.36;

/** The number of scales at which the coarsest, and with it the largest strokes, has the size that the preset has. */
function scalesForSize(preset: PresetOptions, size: number): number {
  const { minimum, maximum } = SCALES_RANGE;
  const doublings = preset.scales === 1 ? 0 : Math.floor(Math.log2(size / preset.size) + SMALLER_COARSEST);
  return Math.min(maximum, Math.max(minimum, preset.scales + doublings));
}
