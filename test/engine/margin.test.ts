import { describe, expect, it } from "@jest/globals";
import { addMargin, foldMargin, sizeWithMargin } from "../../workers/engine/margin.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";

describe("The margin", () => {
  it("takes both edges up to multiples of 8, and leaves the source's losses alone", () => {
    const size = { width: 512, height: 341 };
    expect(sizeWithMargin(size, { style_distance: "neighbors" })).toEqual({ width: 512, height: 344 });
    expect(sizeWithMargin(size, { style_distance: "gram" })).toEqual(size);
  });

  it("takes edges up to whole positions of the hypercolumns' grid, and a style's to the painted picture's", () => {
    const options = { style_distance: "neighbors" } as const;
    const size = { width: 2048, height: 1365 };
    expect(sizeWithMargin(size, options)).toEqual({ width: 2048, height: 1376 });
    expect(sizeWithMargin({ width: 60, height: 50 }, options, size)).toEqual({ width: 64, height: 64 });
  });

  it("goes on as in a mirror beyond the right and the lower edge", () => {
    const picture = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const widened = addMargin(picture, { width: 5, height: 3 });
    expect([...widened.dataSync()]).toEqual([1, 2, 3, 3, 2, 4, 5, 6, 6, 5, 4, 5, 6, 6, 5]);
    tf.dispose([picture, widened]);
  });

  it.each([
    [40, 32, 37, 29],
    [40, 32, 40, 32],
    [24, 32, 17, 32],
  ])(
    "of %i × %i px around %i × %i: what is folded back is the gradient of what was added",
    (width, height, ownWidth, ownHeight) => {
      const before = tf.memory().numTensors;
      const picture = tf.randomNormal([1, ownHeight, ownWidth, 3], 0, 1, "float32", 1) as Tensor4D;
      const gradient = tf.randomNormal([1, height, width, 3], 0, 1, "float32", 2) as Tensor4D;
      const widened = addMargin(picture, { width, height });
      const folded = foldMargin(gradient, { width: ownWidth, height: ownHeight });
      const [a, b] = [dot(widened, gradient), dot(picture, folded)];
      expect(folded.shape).toEqual(picture.shape);
      expect(Math.abs(a)).toBeGreaterThan(1);
      expect(Math.abs(a - b)).toBeLessThan(1e-4 * Math.abs(a));
      tf.dispose([picture, gradient, widened, folded]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

function dot(a: Tensor4D, b: Tensor4D): number {
  const [x, y] = [a.dataSync<"float32">(), b.dataSync<"float32">()];
  expect(x.length).toBe(y.length);
  return x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
}
