import { describe, expect, it } from "@jest/globals";
import { Adam } from "../../../workers/engine/optimizers/adam.ts";
import { PIXELS } from "../../../workers/engine/optimizers/parametrization.ts";
import { PYRAMID } from "../../../workers/engine/optimizers/pyramid.ts";
import { describeOptimizer } from "./conformance.ts";
import { evaluate, quadratic, rosenbrock, SIZE, startImage } from "./problems.ts";

describeOptimizer("Adam on pixels", 300, (picture) => new Adam(picture, PIXELS, 0.02), true);
describeOptimizer("Adam on a pyramid", 1000, (picture) => new Adam(picture, PYRAMID, 0.01), false);

describe("Adam", () => {
  it("takes the steps of algorithm 1 of Kingma & Ba, computed in float64", () => {
    const adam = new Adam(startImage(), PIXELS, 0.02);
    const expected = Float64Array.from(adam.picture.dataSync<"float32">());
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
      adam.update(evaluate(rosenbrock, adam.picture));
    }
    const error = Math.max(
      ...adam.picture.dataSync<"float32">().map((x, index) => Math.abs(x - (expected[index] ?? 0))),
    );
    expect(error).toBeLessThan(1e-4);
    adam.dispose();
  });

  it("moves every pixel by the learning rate in its first step, however small the gradient", () => {
    const adam = new Adam(startImage(), PIXELS, 0.001);
    const before = adam.picture.dataSync<"float32">();
    const flat = quadratic(() => 0.9);
    adam.update(
      evaluate((x) => {
        const { loss, gradient } = flat(x);
        return { loss, gradient: gradient.map((slope) => slope * 1e-4) };
      }, adam.picture),
    );
    const moves = adam.picture.dataSync<"float32">().map((x, index) => x - (before[index] ?? 0));
    expect(Math.min(...moves)).toBeGreaterThan(0.99e-3);
    expect(Math.max(...moves)).toBeLessThan(1.01e-3);
    adam.dispose();
  });
});
