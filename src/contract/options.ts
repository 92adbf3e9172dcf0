import { z } from "zod";
import { layerWeightsSchema } from "./vgg19-layers.ts";

/** From the quickest on; at the end the one that is bound to the source algorithm. */
export const presetNameSchema = z.enum(["draft", "balanced", "fine", "classic"]);
export type PresetName = z.infer<typeof presetNameSchema>;

/** Smallest and largest longest edge of a result, in pixels. */
export const SIZE_RANGE = { minimum: 32, maximum: 4096 } as const;
export const SCALES_RANGE = { minimum: 1, maximum: 8 } as const;
/** More styles than any server takes. */
const MOST_STYLES = 16;

const outputSchema = z.strictObject({
  format: z.enum(["png", "jpeg", "webp", "avif"]).describe("File format of the result."),
  quality: z.int().min(1).max(100).describe("Quality of the lossy formats; png ignores it."),
  bit_depth: z
    .union([z.literal(8), z.literal(16)], { error: "expected 8 or 16" })
    .describe("Bits of a channel; 16 for png only."),
  color_space: z
    .enum(["srgb", "p3"])
    .describe("The result's colours: sRGB, or Display P3 with its ICC profile in the file."),
});

const styleScaleSchema = z.number().min(0.1).max(4);

/** The step length that suits an optimiser; of lbfgs_then_adam, its Adam. */
export const LEARNING_RATES = { adam: 0.02, annealed_adam: 0.08, lbfgs: 1, lbfgs_then_adam: 0.08 };

/** Every knob with its range; what a client leaves out comes from the preset. */
export const optionsSchema = z.strictObject({
  preset: presetNameSchema.describe("Where the options that are left out come from."),
  size: z
    .int()
    .min(SIZE_RANGE.minimum)
    .max(SIZE_RANGE.maximum)
    .describe("Longest edge of the result in pixels; the aspect ratio is the content's."),
  steps: z.int().min(1).max(20_000).describe("Optimiser steps in all, shared out over the scales."),
  optimizer: z
    .enum(["adam", "annealed_adam", "lbfgs", "lbfgs_then_adam"] satisfies (keyof typeof LEARNING_RATES)[])
    .describe(
      "Adam (Kingma & Ba 2014); the same preconditioned by spatial frequency, its long steps annealed to nothing over the second half of each scale; L-BFGS (Liu & Nocedal 1989), preconditioned by spatial frequency, and by place; or L-BFGS at the coarser scales, where it leads further in few steps, and annealed Adam at the last one.",
    ),
  learning_rate: z
    .number()
    .positive()
    .max(10)
    .describe(
      `Step length on pixels in [0, 1]; of lbfgs_then_adam, Adam's. Where a request names the optimizer alone: ${Object.entries(
        LEARNING_RATES,
      )
        .map(([optimizer, rate]) => `${rate} for ${optimizer}`)
        .join(", ")}.`,
    ),
  loss: z
    .enum(["gatys", "relative"])
    .describe(
      "gatys: the formulas of Gatys et al. 2015. relative: each layer's squared distance divided by the target's squared norm, so that the same weights suit every picture, layer and size.",
    ),
  content_weight: z.number().min(0).max(1e12).describe("α: how strongly the content is kept."),
  style_weight: z.number().min(0).max(1e12).describe("β: how strongly the style is followed."),
  content_layers: layerWeightsSchema.describe("Layers whose feature maps are kept, with weights."),
  style_layers: layerWeightsSchema.describe("Layers whose Gram matrices are matched, with weights λ."),
  style_distance: z
    .enum(["gram", "moments"])
    .describe(
      "How a layer is compared with the style's: by Gram matrices, or by means and covariances (moments), which also holds brightness and colour to the style's.",
    ),
  style_windows: z
    .int()
    .min(1)
    .max(8)
    .describe(
      "Overlapping windows along the picture's longer edge, in each of which it is to be like the whole style: with more of them the style is spread more evenly, and no flat place stays bare. 1: the picture as a whole, as Gatys et al. 2015 have it, where the style gathers wherever it comes easiest.",
    ),
  style_weights: z
    .array(z.number().min(0).max(1000))
    .max(MOST_STYLES)
    .refine((weights) => weights.length === 0 || weights.some((weight) => weight > 0), {
      error: "expected at least one weight above 0",
    })
    .describe("How much each style counts, in the order of the styles; empty: all alike."),
  style_scale: z
    .union([styleScaleSchema, z.array(styleScaleSchema).min(1).max(MOST_STYLES)])
    .describe(
      "Size of the style's strokes: its picture's longest edge is this many times the result's; one number, or one for each style.",
    ),
  preserve_color: z
    .enum(["none", "luminance", "histogram", "both"])
    .describe(
      "The content's colours (Gatys et al. 2016). luminance: only light and dark are painted, the colours stay; histogram: each style is recoloured like the content before; both.",
    ),
  tv_weight: z
    .number()
    .min(0)
    .max(1e12)
    .describe("Total variation: how strongly neighbouring pixels are kept alike."),
  noise: z
    .number()
    .min(0)
    .max(1)
    .describe("Amplitude of the uniform noise added to the start, on pixels in [0, 1]."),
  seed: z
    .int()
    .min(0)
    .max(0xffffffff)
    .describe("Seed of the noise; the same seed gives the same picture on a CPU."),
  scales: z
    .int()
    .min(SCALES_RANGE.minimum)
    .max(SCALES_RANGE.maximum)
    .describe(
      "Coarse-to-fine sizes, each twice the one before, ending at `size`. Left out: the preset's, one more (or fewer) for each doubling (or halving) of the preset's `size`, so that the coarsest stays as large; `classic` keeps to one.",
    ),
  pooling: z.enum(["max", "average"]).describe("Pooling of VGG-19."),
  init: z
    .enum(["content", "recolored", "noise", "blend", "picture"])
    .describe(
      "What the picture starts as: the content; the content with its colours moved half-way to the styles', which gets sooner to the same loss; noise; a blend of content and noise; or the picture `init_picture`.",
    ),
  init_blend: z
    .number()
    .min(0)
    .max(1)
    .describe("Share of noise where `init` is blend: 0 is the content alone."),
  preview_interval: z.int().min(0).max(20_000).describe("Steps between previews; 0 for none."),
  timelapse_interval: z
    .int()
    .min(0)
    .max(20_000)
    .describe("Steps between the pictures of the timelapse; 0 for no timelapse."),
  output: outputSchema,
});

/**
 * A scale gets this many times the steps of the one twice its size: with fewer coarse steps the loss ends lower in as much time, with
 * more the style forms larger structures; at 1024 px 0.5 leaves too few of them (bench/RESULTS.md).
 */
export const COARSER_STEPS = 0.6;

/** All options, none missing: what a job runs with. */
export type Options = z.infer<typeof optionsSchema>;

/** The scale of one of the styles. */
export function styleScale(scale: Options["style_scale"], index: number): number {
  return typeof scale === "number" ? scale : (scale[index] ?? 1);
}

/** `content`, or so many times that: 2x, 0.5x. */
const RELATIVE_SIZE = /^(content|\d{1,4}(\.\d{1,4})?x)$/;

/** What a client may send. */
export const requestOptionsSchema = optionsSchema
  .extend({
    size: z
      .union([
        optionsSchema.shape.size,
        z.string().regex(RELATIVE_SIZE, "expected content, or a multiple of it such as 2x"),
      ])
      .describe(
        "Longest edge of the result in pixels; or `content` for the content's own size, or a multiple of it such as `2x` or `0.5x`. The aspect ratio is the content's.",
      ),
    output: outputSchema.partial(),
  })
  .partial();
export type RequestOptions = z.infer<typeof requestOptionsSchema>;

/** What can be changed while a job runs. */
export const steeringSchema = optionsSchema
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
  .refine((steering) => Object.keys(steering).length > 0, {
    error: "expected at least one option to change",
  });
export type Steering = z.infer<typeof steeringSchema>;

/** Options with some of them changed. */
export function applySteering(options: Options, steering: Steering): Options {
  return { ...options, ...steering } as Options; // what JSON leaves out is not there, and so not undefined
}

/** The longest edge that a requested size comes to, for a content of this longest edge. */
export function longestEdge(size: NonNullable<RequestOptions["size"]>, contentEdge: number): number {
  if (typeof size === "number") return size;
  return Math.round(contentEdge * (size === "content" ? 1 : Number.parseFloat(size)));
}
