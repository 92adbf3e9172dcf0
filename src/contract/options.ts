import { z } from "zod";
import { layerWeightsSchema } from "./network.ts";

export const presetNameSchema = z.enum(["classic", "draft", "balanced", "fine"]);
export type PresetName = z.infer<typeof presetNameSchema>;

export const outputSchema = z.strictObject({
  format: z.enum(["png", "jpeg", "webp", "avif"]).describe("File format of the result."),
  quality: z.int().min(1).max(100).describe("Quality of the lossy formats; png ignores it."),
});

/** Every knob with its range; what a client leaves out comes from the preset. */
export const optionsSchema = z.strictObject({
  preset: presetNameSchema.describe("Where the options that are left out come from."),
  size: z
    .int()
    .min(32)
    .max(4096)
    .describe("Longest edge of the result in pixels; the aspect ratio is the content's."),
  steps: z.int().min(1).max(20_000).describe("Optimiser steps in all, shared out over the scales."),
  optimizer: z.enum(["adam", "lbfgs"]).describe("Adam (Kingma & Ba 2014) or L-BFGS (Liu & Nocedal 1989)."),
  learning_rate: z.number().positive().max(10).describe("Step length on pixels in [0, 1]; L-BFGS takes 1."),
  loss: z
    .enum(["gatys", "relative"])
    .describe(
      "gatys: the formulas of Gatys et al. 2015. relative: each layer's squared distance divided by the target's squared norm, so that the same weights suit every picture, layer and size.",
    ),
  content_weight: z.number().min(0).max(1e12).describe("α: how strongly the content is kept."),
  style_weight: z.number().min(0).max(1e12).describe("β: how strongly the style is followed."),
  content_layers: layerWeightsSchema.describe("Layers whose feature maps are kept, with weights."),
  style_layers: layerWeightsSchema.describe("Layers whose Gram matrices are matched, with weights λ."),
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
    .min(1)
    .max(8)
    .describe("Coarse-to-fine sizes, each twice the one before, ending at `size`."),
  pooling: z.enum(["max", "average"]).describe("Pooling of VGG-19."),
  init: z.enum(["content", "noise"]).describe("What the picture starts as."),
  preview_interval: z.int().min(0).max(20_000).describe("Steps between previews; 0 for none."),
  output: outputSchema,
});

/** All options, none missing: what a job runs with. */
export type Options = z.infer<typeof optionsSchema>;

/** What a client may send. */
export const requestOptionsSchema = optionsSchema.extend({ output: outputSchema.partial() }).partial();
export type RequestOptions = z.infer<typeof requestOptionsSchema>;
