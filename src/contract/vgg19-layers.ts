import { z } from "zod";

/** The convolution layers of VGG-19 in order (Simonyan & Zisserman 2014, configuration E). */
export const VGG19_LAYERS = [
  "block1_conv1",
  "block1_conv2",
  "block2_conv1",
  "block2_conv2",
  "block3_conv1",
  "block3_conv2",
  "block3_conv3",
  "block3_conv4",
  "block4_conv1",
  "block4_conv2",
  "block4_conv3",
  "block4_conv4",
  "block5_conv1",
  "block5_conv2",
  "block5_conv3",
  "block5_conv4",
] as const;

const layerSchema = z.enum(VGG19_LAYERS);
export type Layer = z.infer<typeof layerSchema>;

/** Weights by layer, for example `{"block1_conv1": 0.2}`; at least one is positive. */
export const layerWeightsSchema = z
  .partialRecord(layerSchema, z.number().min(0).max(1000))
  .refine((weights) => Object.values(weights).some((weight) => weight > 0), {
    error: "expected at least one layer with a weight above 0",
  });
export type LayerWeights = z.infer<typeof layerWeightsSchema>;
