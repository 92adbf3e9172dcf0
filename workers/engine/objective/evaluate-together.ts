import { Pass } from "../network/pass.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import type { Evaluation, Objective } from "./objective.ts";

/** A picture `[1, h, w, 3]` in RGB, [0, 1], to be evaluated by an objective. */
export interface Question {
  objective: Objective;
  picture: Tensor4D;
}

/**
 * Loss and gradient of each, in one pass of all pictures through the network. Each is what it is alone: to the last bit by
 * the native kernels, within rounding by TensorFlow's own, which choose their order of sums by the whole.
 *
 * @param questions pictures of one size; objectives of one network, pooling and height of strips, each there once
 */
export function evaluateTogether(questions: readonly Question[]): Evaluation[] {
  const objectives = questions.map(({ objective }) => objective);
  const pictures = questions.map(({ picture }) => picture);
  const results = tf.tidy(() => {
    for (const objective of objectives) objective.begin();
    const gradients = passThrough(objectives, stacked(pictures));
    return objectives.map((objective, index) =>
      objective.finish(pictures[index] as Tensor4D, gradients?.[index]),
    );
  });
  return results.map(({ losses, gradient }) => {
    const [content = Number.NaN, style = Number.NaN, tv = Number.NaN] = losses.dataSync();
    losses.dispose();
    return { loss: { total: content + style + tv, content, style, tv }, gradient };
  });
}

/** The gradient of each by way of the network; undefined where no layer is looked at. */
function passThrough(objectives: readonly Objective[], pictures: Tensor4D): Tensor4D[] | undefined {
  const [{ network, pooling, stripRows }] = objectives as [Objective];
  const layers = objectives.flatMap((objective) => objective.layers);
  const pass = new Pass(network, layers, pooling, stripRows);
  pass.forward(pictures, (layer, features, firstRow) => {
    const parts = eachPicture(features);
    objectives.forEach((objective, index) => {
      objective.see(layer, parts[index] as Tensor4D, firstRow);
    });
    tf.dispose(parts);
  });
  for (const objective of objectives) objective.compareStyles();
  const gradient = pass.backward(pictures, (layer, features, firstRow) => {
    const parts = eachPicture(features);
    const gradients = objectives.map((objective, index) =>
      objective.gradientAt(layer, parts[index] as Tensor4D, firstRow),
    );
    const whole = gradients.every((own) => own === undefined)
      ? undefined
      : stacked(gradients.map((own, index) => own ?? tf.zerosLike(parts[index] as Tensor4D)));
    tf.dispose([...parts, ...gradients.filter((own) => own !== undefined)]);
    return whole;
  });
  return gradient && eachPicture(gradient);
}

/** `[1, h, w, c]` of each picture → `[pictures, h, w, c]`; no copy where it is one. */
function stacked(parts: readonly Tensor4D[]): Tensor4D {
  const [only, ...others] = parts as [Tensor4D];
  return others.length === 0 ? only.clone() : tf.concat([...parts], 0);
}

/** `[pictures, h, w, c]` → `[1, h, w, c]` of each, no copies. */
function eachPicture(whole: Tensor4D): Tensor4D[] {
  const [pictures] = whole.shape;
  return pictures === 1 ? [whole.clone()] : tf.split(whole, pictures, 0);
}
