import { z } from "zod";
import { layerWeightsSchema } from "./vgg19-layers.ts";

/** From the fastest to the finest, and finally the one that follows Gatys et al. 2015. */
export const presetNameSchema = z.enum(["draft", "balanced", "fine", "classic"]);
export type PresetName = z.infer<typeof presetNameSchema>;

/** The range of a result's longest edge, in pixels. */
export const SIZE_RANGE = { minimum: 32, maximum: 4096 } as const;
export const SCALES_RANGE = { minimum: 1, maximum: 8 } as const;
/** No server allows more styles. */
const MAX_STYLES = 16;

const formatSchema = z.enum(["png", "jpeg", "webp", "avif"]);
/** Formats as clients send them. */
export const requestFormatSchema = z
  .enum([...formatSchema.options, "jpg"])
  .transform((format) => (format === "jpg" ? "jpeg" : format));

export const outputSchema = z.strictObject({
  format: formatSchema.describe("File format of the result."),
  quality: z.int().min(1).max(100).describe("Quality of a lossy format; png ignores it."),
  bit_depth: z
    .union([z.literal(8), z.literal(16)], { error: "expected 8 or 16" })
    .describe("Bits per channel; 16 is possible for png only."),
  color_space: z.enum(["srgb", "p3"]).describe("sRGB, or Display P3 with its ICC profile in the file."),
});

const styleScaleSchema = z.number().min(0.1).max(4);

/** Every option with its range. */
export const optionsSchema = z.strictObject({
  preset: presetNameSchema.describe("The preset that sets the options which are omitted."),
  size: z
    .int()
    .min(SIZE_RANGE.minimum)
    .max(SIZE_RANGE.maximum)
    .describe("Longest edge of the result in pixels. The aspect ratio is the content's."),
  steps: z.int().min(1).max(20_000).describe("Total number of optimiser steps, distributed over the scales."),
  learning_rate: z
    .number()
    .positive()
    .max(10)
    .describe(
      "Step size of Adam (Kingma & Ba 2014), for values in [0, 1]: with neighbors the coefficients of the picture's Laplacian pyramid, with gram the pixels.",
    ),
  content_weight: z
    .number()
    .min(0)
    .max(1e12)
    .describe("The weight of the content loss. With neighbors 1 is the usual weight; with gram it is α."),
  style_weight: z
    .number()
    .min(0)
    .max(1e12)
    .describe(
      "How strongly the style is followed. With neighbors 1 is a touch, 3 the usual strength, 10 the maximum that makes sense; with gram it is β, the weight of the style loss.",
    ),
  content_layers: layerWeightsSchema.describe(
    "The layers of the content loss, with weights. With neighbors, layers of blocks 1 to 3 count at the coarse scales and hardly at the fine ones.",
  ),
  style_layers: layerWeightsSchema.describe(
    "The layers whose Gram matrices are compared with the style's, with weights λ.",
  ),
  style_distance: z
    .enum(["neighbors", "gram"])
    .describe(
      "How the picture is compared with the style. neighbors: matches every position of the picture with the nearest position of the style, in balance, so that the whole style is used and strokes follow shapes (after Kolkin et al. 2022); compares Gram matrices too. gram: compares Gram matrices only, by the formulas of Gatys et al. 2015. If it differs from the preset's, the other options default to those of balanced or classic.",
    ),
  style_weights: z
    .array(z.number().min(0).max(1000))
    .max(MAX_STYLES)
    .refine((weights) => weights.length === 0 || weights.some((weight) => weight > 0), {
      error: "expected at least one weight above 0",
    })
    .describe("The weight of each style, in the order of the styles; empty for equal weights."),
  style_scale: z
    .union([styleScaleSchema, z.array(styleScaleSchema).min(1).max(MAX_STYLES)])
    .describe(
      "The size of the style's strokes: the longest edge of the style picture, as a multiple of the result's. One number, or one for each style.",
    ),
  preserve_color: z
    .enum(["none", "luminance", "histogram", "both"])
    .describe(
      "Keeps the content's colours (Gatys et al. 2016). luminance: changes only the brightness; histogram: first matches the style's colours to the content's; both: does both.",
    ),
  tv_weight: z
    .number()
    .min(0)
    .max(1e12)
    .describe("The weight of the total variation loss, which smooths the picture."),
  noise: z
    .number()
    .min(0)
    .max(1)
    .describe("Amplitude of the uniform noise that is added to the initial picture, for pixels in [0, 1]."),
  seed: z
    .int()
    .min(0)
    .max(0xffffffff)
    .describe(
      "Seed of everything random. On a CPU the same seed produces the same picture. Random by default.",
    ),
  scales: z
    .int()
    .min(SCALES_RANGE.minimum)
    .max(SCALES_RANGE.maximum)
    .describe(
      "The number of scales, from coarse to fine, each twice the size of the previous; the last is `size`. The default adds one for each doubling of the preset's `size`, and subtracts one for each halving: the coarsest scale keeps its size. `classic` always has one.",
    ),
  pooling: z.enum(["max", "average"]).describe("The pooling layers of VGG-19."),
  init: z
    .enum(["content", "noise", "blend", "picture"])
    .describe(
      "The initial picture. content: the content; noise; blend: a mix of content and noise; picture: the file `init_picture`.",
    ),
  init_blend: z
    .number()
    .min(0)
    .max(1)
    .describe("The share of noise if `init` is blend; 0 is only the content."),
  preview_interval: z.int().min(0).max(20_000).describe("Steps between previews; 0 for none."),
  timelapse_interval: z
    .int()
    .min(0)
    .max(20_000)
    .describe("Steps between the frames of the timelapse; 0 for none."),
  frame: z
    .enum(["only", "first"])
    .describe(
      "Which frame of a picture is painted. only: a picture with several frames is rejected; first: the first, of every picture.",
    ),
  output: outputSchema,
});

/** With gram, a scale gets this many times the steps of the one twice its size (bench/RESULTS.md). */
export const COARSER_STEPS = 0.6;

/** The options that a job runs with: all are set. */
export type Options = z.infer<typeof optionsSchema>;

/** The scale of one style. */
export function styleScale(scale: Options["style_scale"], index: number): number {
  return typeof scale === "number" ? scale : (scale[index] ?? 1);
}

/** `content`, or a multiple of it: 2x, 0.5x. */
const RELATIVE_SIZE = /^(content|\d{1,4}(\.\d{1,4})?x)$/;

/** Options as clients send them. */
export const requestOptionsSchema = optionsSchema
  .extend({
    size: z
      .union([
        optionsSchema.shape.size,
        z
          .string()
          .regex(RELATIVE_SIZE, "expected content, a multiple such as 2x, or a number without quotes"),
      ])
      .describe(
        "Longest edge of the result in pixels, or relative to the content: `content` for its size, or a multiple such as `2x` or `0.5x`. The aspect ratio is the content's.",
      ),
    output: outputSchema
      .extend({ format: requestFormatSchema.describe("File format of the result; jpg is jpeg.") })
      .partial(),
  })
  .partial()
  .meta({ id: "RequestOptions", description: "The options that differ from those of the preset." });
export type RequestOptions = z.infer<typeof requestOptionsSchema>;

/** The options that can be changed while a job runs. */
export const optionsUpdateSchema = optionsSchema
  .pick({
    content_weight: true,
    style_weight: true,
    content_layers: true,
    style_layers: true,
    style_weights: true,
    tv_weight: true,
    preview_interval: true,
  })
  .partial()
  .refine((update) => Object.keys(update).length > 0, {
    error: "expected at least one option to change",
  });
export type OptionsUpdate = z.infer<typeof optionsUpdateSchema>;

/** Options with some of them changed. */
export function applyOptionsUpdate(options: Options, update: OptionsUpdate): Options {
  return { ...options, ...update } as Options; // parsed from JSON, so that no value is undefined
}

/** The longest edge of the result in pixels, for a content with this longest edge. */
export function longestEdge(size: NonNullable<RequestOptions["size"]>, contentEdge: number): number {
  if (typeof size === "number") return size;
  return Math.round(contentEdge * (size === "content" ? 1 : Number.parseFloat(size)));
}
