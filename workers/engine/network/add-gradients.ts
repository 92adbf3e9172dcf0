import { type Tensor4D, tf } from "../tensorflow.ts";

/** a + b, disposing of both; where one is missing, the other. */
export function addGradients(a: Tensor4D | undefined, b: Tensor4D | undefined): Tensor4D | undefined {
  if (a === undefined || b === undefined) {
    return a ?? b;
  }
  const total = tf.add(a, b) as Tensor4D;
  tf.dispose([a, b]);
  return total;
}
