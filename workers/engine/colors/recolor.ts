import { type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { inverse, type Matrix, multiply, squareRoot } from "./symmetric-matrix.ts";

/** Added to the variances: a picture of one colour, or of greys alone, has a direction without any. */
const LEAST_VARIANCE = 1e-5;

/**
 * A style with the colours of a content: its pixels moved linearly so that their mean and covariance become the
 * content's (Gatys et al. 2016, section 5.1, x ← A·x + b with A = Σ_C^½ · Σ_S^−½). Clipped to [0, 1].
 *
 * @param styleVisible `[1, h, w, 1]`, how much each of the style's pixels counts; all alike where left out
 */
export function recolor(
  style: Tensor4D,
  styleVisible: Tensor4D | undefined,
  content: Tensor4D,
  contentVisible: Tensor4D | undefined,
): Tensor4D {
  const from = colorStatistics(style, styleVisible);
  const to = colorStatistics(content, contentVisible);
  const matrix = multiply(squareRoot(to.covariance), inverse(squareRoot(from.covariance)));
  return tf.tidy(() => {
    const pixels = style.reshape([style.size / 3, 3]).sub(tf.tensor1d(from.mean));
    const moved = tf.matMul(pixels as Tensor2D, tf.tensor2d(matrix), false, true).add(tf.tensor1d(to.mean));
    return tf.clipByValue(moved.reshape(style.shape) as Tensor4D, 0, 1);
  });
}

function colorStatistics(
  image: Tensor4D,
  visible: Tensor4D | undefined,
): { mean: number[]; covariance: Matrix } {
  const [mean, covariance] = tf.tidy(() => {
    const pixels: Tensor2D = image.reshape([image.size / 3, 3]);
    const weights: Tensor2D =
      visible === undefined ? tf.ones([image.size / 3, 1]) : visible.reshape([image.size / 3, 1]);
    const whole = weights.sum();
    const mean = pixels.mul(weights).sum(0).div(whole);
    const deviations = tf.sub<Tensor2D>(pixels, mean);
    const covariance = tf
      .matMul(deviations.mul<Tensor2D>(weights), deviations, true, false)
      .div<Tensor2D>(whole);
    return [mean.dataSync(), covariance.add<Tensor2D>(tf.eye(3).mul(LEAST_VARIANCE)).arraySync()];
  });
  return { mean: [...mean], covariance };
}
