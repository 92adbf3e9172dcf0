import { type Tensor4D, tf } from "../tensorflow.ts";
import type { LossContext, PictureLoss } from "./loss.ts";

const WEIGHT = 20;

/** 20 · mean(d²), d being how far a value is out of [0, 1]: the pyramid's coefficients have no bounds of their own. */
export function createRangeLoss({ options }: LossContext): PictureLoss | undefined {
  return options.style_distance === "neighbors" ? { evaluatePicture: rangeLoss } : undefined;
}

export function rangeLoss(picture: Tensor4D) {
  return tf.tidy(() => {
    const outside = tf.sub<Tensor4D>(picture, tf.clipByValue(picture, 0, 1));
    const factor = WEIGHT / picture.size;
    return { loss: outside.square().sum().mul(factor), gradient: outside.mul<Tensor4D>(2 * factor) };
  });
}
