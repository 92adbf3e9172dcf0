import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Evaluation } from "../../../workers/engine/objective.ts";
import type { Adam, AdamState } from "../../../workers/engine/optimizers/adam.ts";
import { NonFiniteLossError } from "../../../workers/engine/optimizers/non-finite-loss.ts";
import { type Tensor4D, tf } from "../../../workers/engine/tensorflow.ts";
import {
  evaluate,
  evaluationOf,
  type LossFunction,
  quadratic,
  rosenbrock,
  SIZE,
  startImage,
} from "./problems.ts";

const inside = quadratic((index) => 0.1 + ((index * 7) % 60) / 75);

/**
 * What an optimiser does on any parametrisation. `create` makes one with the step length that suits it; `steps` is how many
 * it may take to a minimum of 60 pixels; `isBounded` says whether it keeps the pixels in [0, 1].
 */
export function describeOptimizer(
  name: string,
  steps: number,
  create: (picture: Tensor4D) => Adam,
  isBounded: boolean,
): void {
  describe(`${name} as an optimiser`, () => {
    let optimizer: Adam;
    let tensorsBefore: number;
    beforeEach(() => {
      tensorsBefore = tf.memory().numTensors;
      optimizer = create(startImage());
    });
    afterEach(() => {
      optimizer.dispose();
      expect(tf.memory().numTensors).toBe(tensorsBefore);
    });

    const pixels = () => Float64Array.from(optimizer.picture.dataSync<"float32">());
    const run = (lossFunction: LossFunction, updates: number) => {
      for (let update = 0; update < updates; update += 1) {
        optimizer.update(evaluate(lossFunction, optimizer.picture));
      }
    };
    const lossOf = (lossFunction: LossFunction) => lossFunction(pixels()).loss;
    /** Updates with an evaluation in place of the problem's own, and tells how the picture moved. */
    const moveWith = (evaluation: Evaluation) => {
      const from = pixels();
      optimizer.update(evaluation);
      return { from, to: pixels() };
    };

    it("reaches the minimum of a quadratic function inside [0, 1]", () => {
      const before = lossOf(inside);
      run(inside, steps);
      expect(lossOf(inside) / before).toBeLessThan(1e-6);
    });

    it("follows a curved valley", () => {
      const before = lossOf(rosenbrock);
      run(rosenbrock, 2 * steps);
      expect(lossOf(rosenbrock) / before).toBeLessThan(1e-3);
    });

    it("goes on calmly at a minimum", () => {
      run(inside, steps);
      const atMinimum = lossOf(inside);
      run(inside, steps);
      expect(lossOf(inside)).toBeLessThanOrEqual(Math.max(2 * atMinimum, 1e-6));
    });

    it("does not move where there is no gradient", () => {
      const { from, to } = moveWith(evaluationOf(0, new Float64Array(SIZE)));
      expect(to).toEqual(from);
    });

    if (isBounded) {
      it.each([
        ["a loss that is not a number", Number.NaN, 1],
        ["an infinite loss", Number.POSITIVE_INFINITY, 1],
        ["a gradient that is not a number", 1, Number.NaN],
        ["an infinite gradient", 1, Number.NEGATIVE_INFINITY],
      ])("steps back from %s, goes on with a smaller step, and recovers", (_, loss, slope) => {
        run(inside, 3);
        const good = pixels();
        run(inside, 1);
        const bad = pixels();
        moveWith(evaluationOf(loss, new Float64Array(SIZE).fill(1).fill(slope, 7, 8)));
        if (distance(pixels(), good) === 0) {
          run(inside, 1); // an optimiser that evaluates the good picture anew
        }
        expect(distance(pixels(), good)).toBeGreaterThan(0);
        expect(distance(pixels(), good)).toBeLessThan(0.75 * distance(bad, good));
        run(inside, steps);
        expect(lossOf(inside)).toBeLessThan(1e-3);
      });

      it("goes to the nearest picture in [0, 1] where the minimum lies outside, and stays there", () => {
        const target = (index: number) => [-0.5, 0.25, 1.5][index % 3] ?? 0;
        run(quadratic(target), 2 * steps);
        const distance = pixels().map((x, index) => Math.abs(x - Math.min(1, Math.max(0, target(index)))));
        expect(Math.max(...distance)).toBeLessThan(2e-3);
      });

      it("keeps every picture to evaluate in [0, 1]", () => {
        const far = quadratic((index) => (index % 2 === 0 ? -40 : 40));
        for (let step = 0; step < 20; step += 1) {
          run(far, 1);
          expect(Math.min(...pixels())).toBeGreaterThanOrEqual(0);
          expect(Math.max(...pixels())).toBeLessThanOrEqual(1);
        }
      });
    }

    it("gets past a region without finite loss by smaller steps", () => {
      const cliff: LossFunction = (x) => {
        const { loss, gradient } = inside(x);
        return { loss: Math.max(...x) > 0.95 ? Number.NaN : loss, gradient };
      };
      run(cliff, steps);
      expect(lossOf(inside)).toBeLessThan(1e-2);
    });

    it("takes large but finite gradients for what they are", () => {
      const scale = 1e16;
      const huge: LossFunction = (x) => {
        const { loss, gradient } = inside(x);
        return { loss: loss * scale, gradient: gradient.map((slope) => slope * scale) };
      };
      const before = lossOf(inside);
      run(huge, 1);
      expect(lossOf(inside)).toBeLessThan(before);
    });

    it("gives up where no step back helps", () => {
      run(inside, 3);
      const nowhere: LossFunction = (x) => ({ ...inside(x), loss: Number.NaN });
      expect(() => run(nowhere, 20)).toThrow(NonFiniteLossError);
    });

    it("gives up where the first picture has no finite loss already", () => {
      const nowhere: LossFunction = (x) => ({ ...inside(x), loss: Number.NaN });
      expect(() => run(nowhere, 1)).toThrow(NonFiniteLossError);
    });

    it.each([0, 1, 5, 25])("goes on bit by bit from its state after %i steps", (taken) => {
      run(rosenbrock, taken);
      const other = create(optimizer.picture.clone());
      other.restore(valuesOf(optimizer.state()));
      for (let step = 0; step < 15; step += 1) {
        run(rosenbrock, 1);
        other.update(evaluate(rosenbrock, other.picture));
        expect(Array.from(other.picture.dataSync<"float32">())).toEqual(
          Array.from(optimizer.picture.dataSync<"float32">()),
        );
      }
      other.dispose();
    });

    it("goes on bit by bit from its state right after a step back", () => {
      run(rosenbrock, 5);
      optimizer.update(evaluationOf(Number.NaN, new Float64Array(SIZE)));
      const other = create(optimizer.picture.clone());
      other.restore(valuesOf(optimizer.state()));
      for (let step = 0; step < 10; step += 1) {
        run(rosenbrock, 1);
        other.update(evaluate(rosenbrock, other.picture));
        expect(Array.from(other.picture.dataSync<"float32">())).toEqual(
          Array.from(optimizer.picture.dataSync<"float32">()),
        );
      }
      other.dispose();
    });

    it("keeps the number of tensors flat, steps back included", () => {
      run(rosenbrock, 30);
      const before = tf.memory().numTensors;
      run(rosenbrock, 25);
      optimizer.update(evaluationOf(Number.NaN, new Float64Array(SIZE)));
      run(rosenbrock, 25);
      expect(tf.memory().numTensors).toBeLessThanOrEqual(before);
    });
  });
}

function valuesOf({ tensors, numbers }: AdamState<Tensor4D>): AdamState<Float32Array> {
  const values = (list: readonly Tensor4D[]) => list.map((tensor) => tensor.dataSync<"float32">());
  const { parameters, means, variances, previous } = tensors;
  return {
    numbers,
    tensors: {
      ...{ parameters: values(parameters), means: values(means) },
      ...{ variances: values(variances), previous: values(previous) },
    },
  };
}

function distance(a: Float64Array, b: Float64Array): number {
  return Math.sqrt(a.reduce((sum, x, index) => sum + (x - (b[index] ?? 0)) ** 2, 0));
}
