import type { Evaluation } from "../../../workers/engine/objective.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";

/** Loss and gradient of a function of pixels, in float64. */
export type LossFunction = (pixels: Float64Array) => { loss: number; gradient: Float64Array };

/** A picture small enough for a dense reference: 4·5·3 = 60 pixels. */
export const SHAPE: [number, number, number, number] = [1, 4, 5, 3];
export const SIZE = 60;

/** A start that is alike nowhere, inside [0.2, 0.6]. */
export function startImage(): Tensor4D {
  return tf.tensor4d(
    Array.from({ length: SIZE }, (_, index) => 0.2 + ((index * 17) % 41) / 102.5),
    SHAPE,
  );
}

/** Σ cᵢ·(xᵢ − tᵢ)² with curvatures cᵢ from 1 to 100. */
export function quadratic(target: (index: number) => number): LossFunction {
  return (pixels) => {
    const curvature = (index: number) => 100 ** (index / (SIZE - 1));
    const gradient = pixels.map((x, index) => 2 * curvature(index) * (x - target(index)));
    const loss = pixels.reduce((sum, x, index) => sum + curvature(index) * (x - target(index)) ** 2, 0);
    return { loss, gradient };
  };
}

/** Rosenbrock's function of every two neighbours, with u = 4x − 2: a curved valley to the minimum 0 at x = 0.75. */
export const rosenbrock: LossFunction = (pixels) => {
  const u = pixels.map((x) => 4 * x - 2);
  const gradient = new Float64Array(pixels.length);
  let loss = 0;
  for (let index = 0; index < pixels.length; index += 2) {
    const [a = 0, b = 0] = u.subarray(index, index + 2);
    loss += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[index] = 4 * (-400 * a * (b - a * a) - 2 * (1 - a));
    gradient[index + 1] = 4 * 200 * (b - a * a);
  }
  return { loss, gradient };
};

export function evaluate(lossFunction: LossFunction, image: Tensor4D): Evaluation {
  const { loss, gradient } = lossFunction(Float64Array.from(image.dataSync<"float32">()));
  return evaluationOf(loss, gradient);
}

export function evaluationOf(loss: number, gradient: Float64Array): Evaluation {
  return {
    loss: { total: loss, parts: {} },
    gradient: tf.tensor4d(Float32Array.from(gradient), SHAPE),
  };
}
