import { type Tensor4D, tf } from "../tensorflow.ts";

/** Σ a·b over all pixels and colours. */
export function innerProduct(a: Tensor4D, b: Tensor4D): number {
  const product = tf.tidy(() => tf.matMul(a.reshape([1, a.size]), b.reshape([1, b.size]), false, true));
  const [value = Number.NaN] = product.dataSync();
  product.dispose();
  return value;
}
