import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { CheckpointSchedule } from "../../../workers/job/checkpoint-schedule.ts";

beforeAll(() => {
  jest.useFakeTimers();
});
afterAll(() => {
  jest.useRealTimers();
});

/** Counts the checkpoints of a schedule if each takes `costMs`. */
function checkpointsIn(ms: number, intervalMs: number, costMs: number): number {
  let count = 0;
  const schedule = new CheckpointSchedule(intervalMs, () => {
    count += 1;
    schedule.onStep();
    setTimeout(() => schedule.onCheckpoint(), costMs);
  });
  schedule.start();
  jest.advanceTimersByTime(ms);
  schedule.stop();
  return count;
}

describe("CheckpointSchedule", () => {
  it("requests cheap checkpoints at every interval", () => {
    expect(checkpointsIn(1_300, 200, 0)).toBe(6);
  });

  it("requests expensive checkpoints so rarely that they take at most a fiftieth of the time", () => {
    // The first after 20 ms, the others after 50 · 40 ms each.
    expect(checkpointsIn(5_000, 20, 40)).toBe(3);
  });

  it("requests no checkpoint after it is stopped", () => {
    let count = 0;
    const schedule = new CheckpointSchedule(20, () => {
      count += 1;
    });
    schedule.start();
    schedule.stop();
    jest.advanceTimersByTime(60);
    expect(count).toBe(0);
  });
});
