import { describe, expect, it } from "@jest/globals";
import { schedule } from "../../workers/engine/schedule.ts";

const GRAM = { style_distance: "gram" } as const;
const NEIGHBORS = { style_distance: "neighbors" } as const;

describe("schedule", () => {
  it("takes a single scale at the picture's own size", () => {
    expect(schedule({ ...GRAM, steps: 100, scales: 1 }, 512, 341)).toEqual([
      { width: 512, height: 341, styleSize: 512, phase: "shapes", steps: 100, stepsToEnter: 1 },
    ]);
  });

  it("halves the edges for each coarser scale and ends at the picture's own size", () => {
    const scales = schedule({ ...GRAM, steps: 100, scales: 3 }, 512, 341);
    expect(scales.map(({ width, height, styleSize }) => [width, height, styleSize])).toEqual([
      [128, 85, 128],
      [256, 170, 256],
      [512, 341, 512],
    ]);
  });

  it("gives each scale 0.6 times the steps of the next finer one", () => {
    const steps = schedule({ ...GRAM, steps: 196, scales: 3 }, 512, 512).map((scale) => scale.steps);
    expect(steps).toEqual([36, 60, 100]);
  });

  it("gives each phase of neighbors as many steps, and ends with the details at full size", () => {
    const scales = schedule({ ...NEIGHBORS, steps: 50, scales: 4 }, 512, 341);
    expect(scales.map(({ width, height, phase, steps }) => [width, height, phase, steps])).toEqual([
      [64, 42, "shapes", 10],
      [128, 85, "shapes", 10],
      [256, 170, "shapes", 10],
      [512, 341, "shapes", 10],
      [512, 341, "details", 10],
    ]);
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
    const scales = schedule({ ...GRAM, steps, scales: count }, width, height);
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
      schedule({ ...GRAM, steps: 100, scales: 8 }, width, height).map((scale) => scale.width);
    expect(widths(128, 128)).toEqual([32, 64, 128]);
    expect(widths(127, 127)).toEqual([63, 127]);
    expect(widths(2048, 48)).toEqual([2048]);
  });
});
