import { type Tensor4D, tf } from "../tensorflow.ts";

/** The numbers that an optimiser changes, and the picture that they make. All results are the caller's to dispose of. */
export interface Parametrization {
  decompose(picture: Tensor4D): Tensor4D[];
  compose(parameters: readonly Tensor4D[]): Tensor4D;
  /** Gradient with respect to the picture → with respect to each parameter. */
  gradients(gradient: Tensor4D, parameters: readonly Tensor4D[]): Tensor4D[];
  /** A parameter after a step, brought to where it may be. */
  constrain(parameter: Tensor4D): Tensor4D;
}

/** The pixels themselves, kept in [0, 1]: the source's. */
export const PIXELS: Parametrization = {
  decompose: (picture) => [picture.clone()],
  compose: ([pixels]) => (pixels as Tensor4D).clone(),
  gradients: (gradient) => [gradient.clone()],
  constrain: (pixels) => tf.clipByValue(pixels, 0, 1),
};
