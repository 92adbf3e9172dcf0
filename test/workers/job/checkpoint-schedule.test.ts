import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { CheckpointSchedule } from "../../../workers/job/checkpoint-schedule.ts";

beforeAll(() => {
  jest.useFakeTimers();
});
afterAll(() => {
  jest.useRealTimers();
});

/** Runs a schedule whose checkpoints take `costMs` of the engine's time each, and counts them. */
function checkpointsIn(ms: number, intervalMs: number, costMs: number): number {
  let count = 0;
  const schedule = new CheckpointSchedule(intervalMs, () => {
    count += 1;
    schedule.sawProgress();
    setTimeout(() => schedule.sawCheckpoint(), costMs);
  });
  schedule.start();
  jest.advanceTimersByTime(ms);
  schedule.stop();
  return count;
}

it("Cheap checkpoints are made at every interval", () => {
  expect(checkpointsIn(1_300, 200, 0)).toBe(6);
});

it("Dear checkpoints take at most a fiftieth of the time", () => {
  // The first after 20 ms; each other one when 50 · 40 ms have passed.
  expect(checkpointsIn(5_000, 20, 40)).toBe(3);
});

it("None is asked for when the painting has ended", () => {
  let count = 0;
  const schedule = new CheckpointSchedule(20, () => {
    count += 1;
  });
  schedule.start();
  schedule.stop();
  jest.advanceTimersByTime(60);
  expect(count).toBe(0);
});
