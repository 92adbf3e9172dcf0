import { describe, expect, it } from "@jest/globals";
import type { Progress } from "../../src/contract/job.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { ThroughputEstimator } from "../../workers/throughput-estimator.ts";

const job = (cost: number, more: Partial<JobRecord> = {}) =>
  ({ cost, checkpoint: null, progress: null, ...more }) as JobRecord;
const progress = (fraction: number, eta_seconds: number | null = null) =>
  ({ fraction, eta_seconds }) as Progress;

describe("ThroughputEstimator", () => {
  it("knows nothing before the first job, and learns from the job in progress", () => {
    let now = 0;
    const throughput = new ThroughputEstimator(() => now);
    expect([throughput.secondsPerCost, throughput.secondsUntilFree]).toEqual([null, 0]);
    throughput.onJobStarted(job(1000));
    expect([throughput.secondsPerCost, throughput.secondsUntilFree]).toEqual([null, null]);
    now = 5_000;
    throughput.onProgress(progress(0.5, 5));
    expect(throughput.secondsPerCost).toBeCloseTo(0.01);
    now = 7_000;
    expect(throughput.secondsUntilFree).toBe(3);
  });

  it("counts only what this attempt has painted", () => {
    let now = 0;
    const throughput = new ThroughputEstimator(() => now);
    throughput.onJobStarted(job(1000, { checkpoint: { key: "k", step: 1 }, progress: progress(0.8) }));
    now = 2_000;
    throughput.onProgress(progress(1, 0));
    throughput.onJobEnded();
    expect(throughput.secondsPerCost).toBeCloseTo(0.01);
    throughput.onJobStarted(job(500));
    expect(throughput.secondsUntilFree).toBeCloseTo(5);
  });

  it("gives later jobs more weight", () => {
    let now = 0;
    const throughput = new ThroughputEstimator(() => now);
    for (const seconds of [10, 20]) {
      throughput.onJobStarted(job(1000));
      now += seconds * 1000;
      throughput.onProgress(progress(1, 0));
      throughput.onJobEnded();
    }
    expect(throughput.secondsPerCost).toBeGreaterThan(0.0155);
    expect(throughput.secondsPerCost).toBeLessThan(0.0165);
  });

  it("reports the step time of the current job", () => {
    const throughput = new ThroughputEstimator();
    throughput.onJobStarted(job(1000));
    expect(throughput.stepMs).toBeNull();
    throughput.onProgress({ ...progress(0.5, 10), step_ms: 20 });
    expect(throughput.stepMs).toBe(20);
    throughput.onJobEnded();
    expect(throughput.stepMs).toBeNull();
  });
});
