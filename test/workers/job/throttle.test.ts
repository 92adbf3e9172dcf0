import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { Throttle } from "../../../workers/job/throttle.ts";

/** Longer than any test may take. */
const LONG_MS = 3600_000;

describe("Throttle", () => {
  it("writes the first value at once, and the latest one when it is flushed", async () => {
    const written: number[] = [];
    const throttle = new Throttle<number>(
      LONG_MS,
      async (value) => void written.push(value),
      () => undefined,
    );
    for (const value of [1, 2, 3]) throttle.offer(value);
    expect(written).toEqual([1]);
    await throttle.flush();
    expect(written).toEqual([1, 3]);
    throttle.offer(4);
    await throttle.flush();
    expect(written).toEqual([1, 3, 4]);
  });

  it("writes at most once per interval", async () => {
    const times: number[] = [];
    const throttle = new Throttle<number>(
      100,
      async () => void times.push(performance.now()),
      () => undefined,
    );
    for (let value = 0; value < 30; value += 1) {
      throttle.offer(value);
      await sleep(10); // time itself is tested here
    }
    await throttle.flush();
    const pauses = times.slice(1, -1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses.length).toBeGreaterThan(0);
    // A timer may be a millisecond early.
    for (const pause of pauses) expect(pause).toBeGreaterThan(98);
  });

  it("reports a write that fails, and continues", async () => {
    const written: number[] = [];
    const errors: unknown[] = [];
    const write = async (value: number) => {
      if (value === 1) throw new Error("the disk is full");
      written.push(value);
    };
    const throttle = new Throttle<number>(1, write, (error) => errors.push(error));
    throttle.offer(1);
    await throttle.flush();
    throttle.offer(2);
    await throttle.flush();
    expect(errors).toEqual([new Error("the disk is full")]);
    expect(written).toEqual([2]);
  });
});
