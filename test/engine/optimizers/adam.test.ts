import { describe, expect, it } from "@jest/globals";
import { Adam } from "../../../workers/engine/optimizers/adam.ts";
import { SpectralPreconditioner } from "../../../workers/engine/optimizers/preconditioner.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";
import { describeOptimizer } from "./conformance.ts";
import { evaluate, quadratic, rosenbrock, SHAPE, SIZE, startImage } from "./problems.ts";

const annealed = (image: Tensor4D, annealedOver: number) =>
  new Adam(image, {
    ...{ learningRate: 0.03, varianceDecay: 0.9, annealedOver },
    preconditioner: new SpectralPreconditioner(image.shape[1], image.shape[2], 1),
  });

describeOptimizer("Adam", 300, (image) => new Adam(image, { learningRate: 0.02 }));
describeOptimizer("Annealed Adam", 300, (image) => annealed(image, 300));

describe("Adam", () => {
  it("takes the steps of algorithm 1 of Kingma & Ba, computed in float64", () => {
    const adam = new Adam(startImage(), { learningRate: 0.02 });
    const expected = Float64Array.from(adam.image.dataSync<"float32">());
    const [mean, variance] = [new Float64Array(SIZE), new Float64Array(SIZE)];
    for (let t = 1; t <= 40; t += 1) {
      const { gradient } = rosenbrock(expected);
      for (const [index, g] of gradient.entries()) {
        mean[index] = 0.9 * (mean[index] ?? 0) + 0.1 * g;
        variance[index] = 0.999 * (variance[index] ?? 0) + 0.001 * g * g;
        const corrected = (mean[index] ?? 0) / (1 - 0.9 ** t);
        const spread = Math.sqrt((variance[index] ?? 0) / (1 - 0.999 ** t));
        expected[index] = Math.min(
          1,
          Math.max(0, (expected[index] ?? 0) - (0.02 * corrected) / (spread + 1e-8)),
        );
      }
      adam.update(evaluate(rosenbrock, adam.image));
    }
    const error = Math.max(
      ...adam.image.dataSync<"float32">().map((x, index) => Math.abs(x - (expected[index] ?? 0))),
    );
    expect(error).toBeLessThan(1e-4);
    adam.dispose();
  });

  it("moves every pixel by the learning rate in its first step, however small the gradient", () => {
    const adam = new Adam(startImage(), { learningRate: 0.001 });
    const before = adam.image.dataSync<"float32">();
    const flat = quadratic(() => 0.9);
    adam.update(
      evaluate((x) => {
        const { loss, gradient } = flat(x);
        return { loss, gradient: gradient.map((slope) => slope * 1e-4) };
      }, adam.image),
    );
    const moves = adam.image.dataSync<"float32">().map((x, index) => x - (before[index] ?? 0));
    expect(Math.min(...moves)).toBeGreaterThan(0.99e-3);
    expect(Math.max(...moves)).toBeLessThan(1.01e-3);
    adam.dispose();
  });
});

describe("Annealed Adam", () => {
  const flat = quadratic((index) => (index % 2 === 0 ? -40 : 40));
  /** Root mean square of each of its next moves, downhill all the way. */
  const moves = (adam: Adam, count: number) =>
    Array.from({ length: count }, () => {
      const before = adam.image.dataSync<"float32">();
      adam.update(evaluate(flat, tf.fill(adam.image.shape, 0.5) as Tensor4D));
      const after = adam.image.dataSync<"float32">();
      return Math.sqrt(after.reduce((sum, x, index) => sum + (x - (before[index] ?? 0)) ** 2, 0) / SIZE);
    });
  const create = () =>
    new Adam(tf.fill(SHAPE, 0.5) as Tensor4D, { learningRate: 0.004, varianceDecay: 0.9, annealedOver: 40 });

  it("holds its learning rate over the first half of its steps, then brings it down to 0 in proportion", () => {
    const adam = create();
    const lengths = moves(adam, 45);
    const factors = lengths.map((length) => length / 0.004);
    for (const [index, factor] of factors.entries()) {
      expect(factor).toBeCloseTo(Math.min(1, Math.max(0, 40 - index) / 20), 2);
    }
    adam.dispose();
  });

  it("starts anew at its full rate where the objective changes, and comes down over the steps that are left", () => {
    const adam = create();
    moves(adam, 30);
    adam.restart();
    const factors = moves(adam, 10).map((length) => length / 0.004);
    for (const [index, factor] of factors.entries()) {
      expect(factor).toBeCloseTo(Math.min(1, (10 - index) / 5), 2);
    }
    adam.dispose();
  });
});
