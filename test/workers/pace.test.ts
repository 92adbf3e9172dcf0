import { describe, expect, it } from "@jest/globals";
import type { Progress } from "../../src/contract/job.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { Pace } from "../../workers/pace.ts";

const job = (work: number, more: Partial<JobRecord> = {}) =>
  ({ work, checkpoint: null, progress: null, ...more }) as JobRecord;
const progress = (fraction: number, eta_seconds: number | null = null) =>
  ({ fraction, eta_seconds }) as Progress;

describe("A worker's pace", () => {
  it("is not known before it has painted, and is learned from a job that is under way", () => {
    let now = 0;
    const pace = new Pace(() => now);
    expect([pace.secondsPerWork, pace.freeIn]).toEqual([null, 0]);
    pace.began(job(1000));
    expect([pace.secondsPerWork, pace.freeIn]).toEqual([null, null]);
    now = 5_000;
    pace.progressed(progress(0.5, 5));
    expect(pace.secondsPerWork).toBeCloseTo(0.01);
    now = 7_000;
    expect(pace.freeIn).toBe(3);
  });

  it("counts only what this attempt has done", () => {
    let now = 0;
    const pace = new Pace(() => now);
    const before = { checkpoint: { key: "k", step: 1 }, progress: progress(0.8) };
    pace.began(job(1000, before));
    now = 2_000;
    pace.progressed(progress(1, 0));
    pace.ended();
    expect(pace.secondsPerWork).toBeCloseTo(0.01);
    pace.began(job(500));
    expect(pace.freeIn).toBeCloseTo(5);
  });

  it("counts a job for more than the one before it", () => {
    let now = 0;
    const pace = new Pace(() => now);
    for (const seconds of [10, 20]) {
      pace.began(job(1000));
      now += seconds * 1000;
      pace.progressed(progress(1, 0));
      pace.ended();
    }
    expect(pace.secondsPerWork).toBeGreaterThan(0.0155);
    expect(pace.secondsPerWork).toBeLessThan(0.0165);
  });

  it("says how long a step of the current job takes", () => {
    const pace = new Pace();
    pace.began(job(1000));
    expect(pace.stepMs).toBeNull();
    pace.progressed({ ...progress(0.5, 10), step_ms: 20 });
    expect(pace.stepMs).toBe(20);
    pace.ended();
    expect(pace.stepMs).toBeNull();
  });
});
