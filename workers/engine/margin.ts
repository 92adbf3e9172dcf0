import type { Options } from "../../src/contract/options.ts";
import type { Size } from "../../src/pictures/picture-size.ts";
import { runKernel, type Tensor4D, tf } from "./tensorflow.ts";

/**
 * Max pooling drops the last row and column of a map whose edge is odd: up to the third pooling, after which the content is
 * compared, all of a picture is seen where its edges are multiples of 8. What is not seen turns dark and beaded.
 */
const POOLED = 8;

/**
 * The size in which the network looks at a picture: it goes on beyond its right and lower edges as in a mirror, up to the
 * next multiple of 8 px. The source's losses (`gatys`) are of the picture as it is.
 */
export function sizeWithMargin({ width, height }: Size, { loss }: Pick<Options, "loss">): Size {
  const up = (edge: number) => (loss === "gatys" ? edge : Math.ceil(edge / POOLED) * POOLED);
  return { width: up(width), height: up(height) };
}

/** `[1, h, w, c]` → the same with its margin, of `size`. */
export function addMargin(x: Tensor4D, size: Size): Tensor4D {
  const [, height, width] = x.shape;
  return mirror("MirrorPad", x, [size.height - height, size.width - width]);
}

/** The gradient with respect to a picture with its margin → that with respect to the picture, which is of `size`. */
export function foldMargin(gradient: Tensor4D, size: Size): Tensor4D {
  const [, height, width] = gradient.shape;
  return mirror("MirrorPadGrad", gradient, [height - size.height, width - size.width]);
}

function mirror(
  kernel: "MirrorPad" | "MirrorPadGrad",
  x: Tensor4D,
  [down, right]: [number, number],
): Tensor4D {
  if (down === 0 && right === 0) return x.clone();
  return tf.tidy(() => {
    const paddings = tf.tensor2d([0, 0, 0, down, 0, right, 0, 0], [4, 2], "int32");
    return runKernel(kernel, [x, paddings], { mode: "SYMMETRIC" }) as Tensor4D;
  });
}
