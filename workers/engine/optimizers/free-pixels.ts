import type { Tensor4D } from "../tensorflow.ts";

/**
 * 1 where a pixel can follow its gradient downhill, 0 where that would lead past 0 or 1. Where pixels are moved together the
 * others must have no part in it, or what would go past the edge steers the free ones (two-metric projection, Bertsekas 1982).
 */
export function freePixels(image: Tensor4D, gradient: Tensor4D): Tensor4D {
  const darker = image.greater(0).logicalOr(gradient.less(0));
  const brighter = image.less(1).logicalOr(gradient.greater(0));
  return darker.logicalAnd(brighter).toFloat() as Tensor4D;
}
