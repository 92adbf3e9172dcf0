import { describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../src/contract/presets.ts";
import { InputImages } from "../../workers/engine/input-images.ts";
import { resample } from "../../workers/engine/resample.ts";
import { type Tensor4D, tf } from "../../workers/engine/tensorflow.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

const scale = { width: 64, height: 64 };

/** The content at half the size enlarged again, and the content itself, as plain numbers. */
function enlarged(contentWeight: number): { image: Float32Array; content: Float32Array } {
  const before = tf.memory().numTensors;
  const options = resolveOptions({ style_distance: "gram", content_weight: contentWeight }, 1);
  const images = new InputImages({ content: discRaster(64, 64), styles: [stripesRaster(40, 40)] }, options);
  const { picture } = images.content(scale);
  const small: Tensor4D = resample(picture, 32, 32);
  const image = images.enlarge(small, scale, options);
  const values = [image, picture].map((tensor) => tensor.dataSync<"float32">());
  images.dispose();
  tf.dispose([picture, small, image]);
  expect(tf.memory().numTensors).toBe(before);
  return { image: values[0] as Float32Array, content: values[1] as Float32Array };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))));
}

describe("InputImages.enlarge() with gram", () => {
  it("gives back the content where the coarser picture is the content's", () => {
    const { image, content } = enlarged(1);
    expect(largestDifference(image, content)).toBeLessThan(1e-6);
  });

  it("adds nothing of a content that does not count", () => {
    const { image, content } = enlarged(0);
    expect(largestDifference(image, content)).toBeGreaterThan(0.05);
  });
});
