import { describe, expect, it } from "@jest/globals";
import type { Scale } from "../../workers/engine/schedule.ts";
import { StepTimes, stepCost } from "../../workers/engine/step-times.ts";

const scaleOf = (edge: number, steps: number): Scale => ({
  width: edge,
  height: edge,
  styleSize: edge,
  steps,
  phase: "shapes",
  stepsToEnter: 1,
});
const scales = [scaleOf(128, 80), scaleOf(256, 50), scaleOf(512, 40)];

/** Milliseconds of a step on a machine where what comes on top of the pixels is as much as `overhead` pixels. */
const machine = (overhead: number) => (scale: Scale) => (scale.width * scale.height + overhead) / 100;

/** Plays the run up to a step of a scale; gives what the ETA says and what the rest takes, in seconds. */
function play(millisecondsOf: (scale: Scale) => number, index: number, steps: number) {
  const times = new StepTimes();
  for (const scale of scales.slice(0, index)) {
    for (let step = 0; step < scale.steps; step += 1) {
      times.note(scale, millisecondsOf(scale));
    }
  }
  const current = scales[index] as Scale;
  for (let step = 0; step < steps; step += 1) {
    times.note(current, millisecondsOf(current));
  }
  const later = scales.slice(index + 1);
  const rest = later.map((scale) => (scale.steps + 1) * millisecondsOf(scale));
  const takes = (current.steps - steps) * millisecondsOf(current) + rest.reduce((sum, time) => sum + time, 0);
  return { eta: times.secondsLeft(current.steps - steps, later) ?? Number.NaN, takes: takes / 1000 };
}

describe("StepTimes", () => {
  it("knows nothing before the first step", () => {
    const times = new StepTimes();
    expect(times.stepMilliseconds).toBeNull();
    expect(times.secondsLeft(10, [])).toBeNull();
  });

  it.each([3_000, 12_000, 30_000])(
    "learns from two scales how the third will be, with an overhead of %i pixels",
    (overhead) => {
      const { eta, takes } = play(machine(overhead), 1, 10);
      expect(Math.abs(eta / takes - 1)).toBeLessThan(0.01);
    },
  );

  it("believes only what can be of two scales between which the load has changed", () => {
    for (const factor of [0.2, 1, 5]) {
      const { eta, takes } = play(
        (scale) => machine(12_000)(scale) * (scale.width === 128 ? factor : 1),
        1,
        20,
      );
      expect(eta / takes).toBeGreaterThan(0.7);
      expect(eta / takes).toBeLessThan(1.3);
    }
  });

  it("follows a change of the load within a scale", () => {
    const times = new StepTimes();
    const scale = scaleOf(256, 200);
    for (let step = 0; step < 100; step += 1) {
      times.note(scale, step < 50 ? 100 : 300);
    }
    expect(times.secondsLeft(100, [])).toBeGreaterThan(29);
    expect(times.secondsLeft(100, [])).toBeLessThanOrEqual(30);
  });
});

describe("stepCost", () => {
  it("grows with the pixels, nearly in proportion where there are many", () => {
    const ratio = stepCost(scaleOf(2048, 1)) / stepCost(scaleOf(1024, 1));
    expect(ratio).toBeGreaterThan(3.8);
    expect(ratio).toBeLessThanOrEqual(4);
  });
});
