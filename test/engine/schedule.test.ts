import { describe, expect, it } from "@jest/globals";
import { schedule } from "../../workers/engine/schedule.ts";

const BY_LBFGS = { optimizer: "lbfgs", learning_rate: 0.5 } as const;

describe("schedule", () => {
  it("takes a single scale at the picture's own size", () => {
    expect(schedule({ ...BY_LBFGS, steps: 100, scales: 1 }, 512, 341)).toEqual([
      { width: 512, height: 341, styleSize: 512, steps: 100, optimizer: "lbfgs", learningRate: 0.5 },
    ]);
  });

  it("halves the edges for each coarser scale and ends at the picture's own size", () => {
    const scales = schedule({ ...BY_LBFGS, steps: 100, scales: 3 }, 512, 341);
    expect(scales.map(({ width, height, styleSize }) => [width, height, styleSize])).toEqual([
      [128, 85, 128],
      [256, 171, 256],
      [512, 341, 512],
    ]);
  });

  it("gives each scale 0.6 times the steps of the next finer one", () => {
    const steps = schedule({ ...BY_LBFGS, steps: 196, scales: 3 }, 512, 512).map((scale) => scale.steps);
    expect(steps).toEqual([36, 60, 100]);
  });

  it("has L-BFGS lead at the coarser scales and Adam end where lbfgs_then_adam is asked for", () => {
    const options = { steps: 70, scales: 3, optimizer: "lbfgs_then_adam", learning_rate: 0.05 } as const;
    const optimizers = (scales: number) =>
      schedule({ ...options, scales }, 512, 512).map(({ optimizer, learningRate }) => [
        optimizer,
        learningRate,
      ]);
    expect(optimizers(3)).toEqual([
      ["lbfgs", 1],
      ["lbfgs", 1],
      ["annealed_adam", 0.05],
    ]);
    expect(optimizers(1)).toEqual([["annealed_adam", 0.05]]);
  });

  it.each([
    [1, 1, 64, 64],
    [1, 8, 2048, 2048],
    [2, 8, 2048, 2048],
    [3, 4, 1000, 700],
    [7, 8, 4096, 4096],
    [150, 3, 512, 341],
    [20_000, 8, 4096, 128],
    [20_000, 8, 32, 32],
    [10, 5, 16, 2048],
    [11, 4, 33, 47],
  ])("shares out all of %i steps over %i scales at %i × %i", (steps, count, width, height) => {
    const scales = schedule({ ...BY_LBFGS, steps, scales: count }, width, height);
    expect(scales.reduce((sum, scale) => sum + scale.steps, 0)).toBe(steps);
    expect(scales.length).toBeGreaterThan(0);
    expect(scales.length).toBeLessThanOrEqual(count);
    expect(scales.at(-1)).toMatchObject({ width, height, styleSize: Math.max(width, height) });
    for (const [index, scale] of scales.entries()) {
      expect(Number.isInteger(scale.steps) && scale.steps > 0).toBe(true);
      expect(scale.width).toBeGreaterThan(scales[index - 1]?.width ?? 0);
      expect(scale.height).toBeGreaterThan(scales[index - 1]?.height ?? 0);
    }
  });

  it("leaves out scales at which an edge would be shorter than 32 pixels", () => {
    const widths = (width: number, height: number) =>
      schedule({ ...BY_LBFGS, steps: 100, scales: 8 }, width, height).map((scale) => scale.width);
    expect(widths(128, 128)).toEqual([32, 64, 128]);
    expect(widths(127, 127)).toEqual([64, 127]);
    expect(widths(2048, 48)).toEqual([2048]);
  });
});
