import type { Options } from "../../src/contract/options.ts";
import type { Size } from "../../src/pictures/picture-size.ts";
import { gridReduction } from "./network/stages.ts";
import { runKernel, type Tensor4D, tf } from "./tensorflow.ts";

/**
 * Max pooling drops the last row and column of a map whose edge is odd. Up to the third pooling, after which the content is
 * compared, all of a picture is seen if its edges are multiples of 8. What is not seen turns dark and beaded.
 */
const POOLED = 8;

/**
 * The size in which the losses see a picture: it continues beyond its right and lower edges as in a mirror, up to the next
 * multiple of 8 px, or of the hypercolumns' grid. The source's losses (`gram`) are of the picture as it is.
 *
 * @param painted size of the picture that is painted, if this is a style's
 */
export function sizeWithMargin(
  size: Size,
  { style_distance }: Pick<Options, "style_distance">,
  painted = size,
): Size {
  if (style_distance === "gram") return size;
  const multiple = Math.max(POOLED, gridReduction(painted));
  const up = (edge: number) => Math.ceil(edge / multiple) * multiple;
  return { width: up(size.width), height: up(size.height) };
}

/** `[1, h, w, c]` → the same with its margin, of `size`. */
export function addMargin(x: Tensor4D, size: Size): Tensor4D {
  const [, height, width] = x.shape;
  return mirrorPad(x, { top: 0, bottom: size.height - height, left: 0, right: size.width - width });
}

/** The gradient with respect to a picture with its margin → with respect to the picture, which is of `size`. */
export function foldMargin(gradient: Tensor4D, size: Size): Tensor4D {
  const [, height, width] = gradient.shape;
  return mirrorPadGradient(gradient, {
    ...{ top: 0, bottom: height - size.height },
    ...{ left: 0, right: width - size.width },
  });
}

/** Pixels on each side. */
export interface Paddings {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** Continues a picture beyond its edges as in a mirror, the outermost pixels repeated. */
export function mirrorPad(x: Tensor4D, paddings: Paddings): Tensor4D {
  return mirror("MirrorPad", x, paddings);
}

/** The gradient with respect to mirrorPad()'s result → with respect to its picture. */
export function mirrorPadGradient(gradient: Tensor4D, paddings: Paddings): Tensor4D {
  return mirror("MirrorPadGrad", gradient, paddings);
}

function mirror(kernel: "MirrorPad" | "MirrorPadGrad", x: Tensor4D, paddings: Paddings): Tensor4D {
  const { top, bottom, left, right } = paddings;
  if (top + bottom + left + right === 0) return x.clone();
  return tf.tidy(() => {
    const tensor = tf.tensor2d([0, 0, top, bottom, left, right, 0, 0], [4, 2], "int32");
    return runKernel(kernel, [x, tensor], { mode: "SYMMETRIC" }) as Tensor4D;
  });
}
