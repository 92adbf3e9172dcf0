import { describe, expect, it } from "@jest/globals";
import { PYRAMID, withoutDetails } from "../../../workers/engine/optimizers/pyramid.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";

const random = (shape: Tensor4D["shape"], seed: number) =>
  tf.randomUniform(shape, 0, 1, "float32", seed) as Tensor4D;
const product = (a: Tensor4D, b: Tensor4D) => tf.tidy(() => a.mul(b).sum().dataSync()[0] ?? Number.NaN);
const distance = (a: Tensor4D, b: Tensor4D) =>
  tf.tidy(() => a.sub(b).abs().max().dataSync()[0] ?? Number.NaN);

describe("A Laplacian pyramid", () => {
  it.each([
    [64, 64],
    [37, 50],
    [1, 9],
    [341, 512],
  ])("of %i × %i px makes the picture that it was made from", (height, width) => {
    tf.tidy(() => {
      const picture = random([1, height, width, 3], 1);
      const levels = PYRAMID.decompose(picture);
      expect(levels).toHaveLength(9);
      expect(distance(PYRAMID.compose(levels), picture)).toBeLessThan(1e-5);
    });
  });

  it("carries a gradient back by the transpose of how it makes the picture", () => {
    tf.tidy(() => {
      const levels = PYRAMID.decompose(random([1, 37, 50, 3], 1)).map(({ shape }, index) =>
        random(shape, index),
      );
      const gradient = random([1, 37, 50, 3], 20);
      const gradients = PYRAMID.gradients(gradient, levels);
      const [made, carried] = [
        product(PYRAMID.compose(levels), gradient),
        levels.reduce((sum, level, index) => sum + product(level, gradients[index] as Tensor4D), 0),
      ];
      expect(Math.abs(carried / made - 1)).toBeLessThan(1e-5);
    });
  });

  it("without its finest level keeps broad shapes and loses what changes from pixel to pixel", () => {
    tf.tidy(() => {
      const flat = tf.fill([1, 20, 20, 3], 0.4) as Tensor4D;
      const checks = tf.tensor4d(
        Array.from({ length: 1200 }, (_, i) => (Math.floor(i / 60) + Math.floor((i % 60) / 3)) % 2),
        [1, 20, 20, 3],
      );
      expect(distance(withoutDetails(flat), flat)).toBeLessThan(1e-6);
      expect(distance(withoutDetails(checks), tf.fill([1, 20, 20, 3], 0.5) as Tensor4D)).toBeLessThan(1e-6);
    });
  });
});
