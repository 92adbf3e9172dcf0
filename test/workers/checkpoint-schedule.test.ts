import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { CheckpointSchedule } from "../../workers/checkpoint-schedule.ts";

/** Runs a schedule whose checkpoints take `costMs` of the engine's time each, and counts them. */
async function checkpointsIn(ms: number, intervalMs: number, costMs: number): Promise<number> {
  let count = 0;
  const schedule = new CheckpointSchedule(intervalMs, () => {
    count += 1;
    schedule.sawProgress();
    setTimeout(() => schedule.sawCheckpoint(), costMs);
  });
  schedule.start();
  await sleep(ms);
  schedule.stop();
  return count;
}

it("Cheap checkpoints are made at every interval", async () => {
  expect(await checkpointsIn(1_300, 200, 0)).toBeGreaterThanOrEqual(4);
});

it("Dear checkpoints take at most a fiftieth of the time", async () => {
  // The first after 20 ms; the next one not before 50 · 40 ms have passed.
  expect(await checkpointsIn(1_500, 20, 40)).toBe(1);
});

it("None is asked for when the painting has ended", async () => {
  let count = 0;
  const schedule = new CheckpointSchedule(20, () => {
    count += 1;
  });
  schedule.start();
  schedule.stop();
  await sleep(60);
  expect(count).toBe(0);
});
