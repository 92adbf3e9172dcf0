import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Windows } from "../../../workers/engine/optimizers/windows.ts";
import { type Tensor2D, type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";

const HEIGHT = 50;
const WIDTH = 90;

describe("windows over a picture", () => {
  let windows: Windows;
  let a: Tensor4D;
  let b: Tensor4D;
  beforeAll(() => {
    windows = new Windows(HEIGHT, WIDTH, 20);
    a = tf.randomUniform([1, HEIGHT, WIDTH, 3], -1, 1, "float32", 1);
    b = tf.randomUniform([1, HEIGHT, WIDTH, 3], -1, 1, "float32", 2);
  });
  afterAll(() => {
    tf.dispose([a, b]);
    windows.dispose();
  });
  const whole = (x: Tensor4D, y: Tensor4D) => tf.tidy(() => x.mul(y).sum().dataSync<"float32">()[0] ?? 0);

  it("lie about as far apart as asked for", () => {
    const products = windows.products(a, b);
    expect(products.shape).toEqual([3, 5]);
    products.dispose();
  });

  it("share out the product of two pictures", () => {
    const products = windows.products(a, b);
    const sum = products.dataSync<"float32">().reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(whole(a, b), 2);
    products.dispose();
  });

  it("leave a picture as it is where their factors are 1", () => {
    const ones = tf.ones([3, 5]) as Tensor2D;
    const scaled = windows.scale(a, ones);
    const [before, after] = [a.dataSync<"float32">(), scaled.dataSync<"float32">()];
    expect(Math.max(...after.map((value, index) => Math.abs(value - (before[index] ?? 0))))).toBeLessThan(
      1e-6,
    );
    tf.dispose([ones, scaled]);
  });

  it("have a say near their middle only", () => {
    const factors = tf.tensor2d(
      Array.from({ length: 15 }, (_, index) => (index === 7 ? 1 : 0)),
      [3, 5],
    );
    const scaled = windows.scale(tf.onesLike(a), factors);
    const weights = scaled.dataSync<"float32">();
    const at = (row: number, column: number) =>
      [0, 1, 2].map((colour) => weights[(row * WIDTH + column) * 3 + colour]);
    expect(at(25, 45).every((weight) => (weight ?? 0) > 0.9)).toBe(true);
    expect(at(0, 45)).toEqual([0, 0, 0]);
    expect(at(25, 0)).toEqual([0, 0, 0]);
    expect(at(25, 89)).toEqual([0, 0, 0]);
    tf.dispose([factors, scaled]);
  });

  it("scale by the transpose of how they add up", () => {
    const factors = tf.randomUniform([3, 5], -1, 1, "float32", 3) as Tensor2D;
    const scaled = windows.scale(a, factors);
    const products = windows.products(a, b);
    const there = whole(scaled, b);
    const back = tf.tidy(() => products.mul(factors).sum().dataSync<"float32">()[0] ?? 0);
    expect(there).toBeCloseTo(back, 3);
    tf.dispose([factors, scaled, products]);
  });
});
