import type { Options } from "../../../src/contract/options.ts";
import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";
import type { Kernels } from "../network/kernels.ts";
import type { Tensor, Tensor4D } from "../tensorflow.ts";
import type { Guidance } from "./guidance.ts";

/** Receives rows of a layer's feature map, from `firstRow` of the whole map on; they are gone after the call. */
export type OnFeatures = (layer: Layer, features: Tensor4D, firstRow: number) => void;

/** A part of the objective that compares VGG-19's features. Its values are multiplied by its weight already. */
export interface FeatureLoss {
  /** The layers whose feature maps it sees. */
  readonly layers: readonly Layer[];
  /** Takes rows of a layer's feature map, from top to bottom. */
  onFeatures: OnFeatures;
  /** The loss (a scalar) once all rows were received; from then on gradientAt() can be called. */
  evaluate(): Tensor;
  /** Before the first rows of an evaluation; `step` counts those of a job. */
  begin?(step: number): void;
  /** Gradient with respect to rows of a layer's feature map; undefined if there is none. */
  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined;
  /** What cannot be computed again when a painting resumes: for `LossContext.stored`. */
  state?(): Tensor[];
  dispose(): void;
}

/** A part of the objective that needs the pixels alone. */
export interface PictureLoss {
  evaluatePicture(picture: Tensor4D): { loss: Tensor; gradient: Tensor4D };
}

export type Loss = FeatureLoss | PictureLoss;

/** The options that the objective depends on. */
export type LossOptions = Pick<
  Options,
  | "content_weight"
  | "style_weight"
  | "content_layers"
  | "style_layers"
  | "style_distance"
  | "tv_weight"
  | "pooling"
  | "seed"
>;

/** shapes: hypercolumns on a coarse grid; details: each layer by itself at full size. */
export type Phase = "shapes" | "details";

/** A style's picture and how much it counts among the styles of its region. */
export interface WeightedStyle {
  /** `[1, h, w, 3]`, RGB in [0, 1], of any size. */
  picture: Tensor4D;
  /** `[1, h, w, 1]`: how much of it counts at each pixel; all of it if left out. */
  visible?: Tensor4D | undefined;
  weight: number;
}

/** Part of the picture, and the styles it is painted in. */
export interface Region {
  styles: readonly WeightedStyle[];
  /** Everywhere if left out. */
  where: Guidance | undefined;
  /** How much the region counts, in proportion to its area. */
  weight: number;
}

/** What a loss is made from. The tensors are their owner's, and may go once the loss is made. */
export interface LossContext {
  options: LossOptions;
  phase: Phase;
  /** Of the pictures to evaluate. */
  size: Size;
  /** `[1, h, w, 3]` in [0, 1], of that size. */
  content: Tensor4D;
  /** How much of the content counts. */
  visible: Guidance | undefined;
  regions: readonly Region[];
  /** The picture at the start of the scale, with the content's finest details. */
  start: Tensor4D;
  /** Whether nothing was painted before: `start` is the content. */
  isFirstScale: boolean;
  /** What state() gave, if the painting resumes within this scale. */
  stored: readonly Tensor[] | undefined;
  kernels: Kernels;
  /** Shows layers' feature maps of a picture, piece by piece from top to bottom. */
  capture(picture: Tensor4D, layers: readonly Layer[], onFeatures: OnFeatures): void;
}
