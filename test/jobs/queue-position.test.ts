import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { estimateCost, estimateWait } from "../../src/jobs/records/cost-model.ts";
import { announceWorker, type WorkerDescription } from "../../src/jobs/scheduling/worker-registry.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { submission } from "../support/jobs.ts";

const worker = (more: Partial<WorkerDescription> = {}): WorkerDescription => ({
  ...{
    id: "w",
    version: "0",
    host: "h",
    pid: 1,
    started_at: new Date().toISOString(),
    ready: true,
    reason: null,
  },
  ...{ engine: null, largest_size: 4096, seconds_per_cost: 0.01, free_in_seconds: 0, job: null },
  ...more,
});

describe("The time until a job is taken", () => {
  it("is none without a worker", () => {
    expect(estimateWait(0, 0, [])).toBeNull();
  });

  it("is that until a worker is free, where nothing is ahead", () => {
    expect(estimateWait(0, 0, [worker()])).toBe(0);
    expect(estimateWait(0, 0, [worker({ free_in_seconds: 9 }), worker({ free_in_seconds: 4 })])).toBe(4);
  });

  it("has every worker take from what is ahead, at its own pace", () => {
    expect(estimateWait(3, 600, [worker({ free_in_seconds: 2 })])).toBe(8);
    // Two jobs of 2 s each for two workers that are free: then both are free after 2 s.
    expect(estimateWait(2, 400, [worker(), worker()])).toBe(2);
    // One job, two workers: the other one is free at once.
    expect(estimateWait(1, 400, [worker(), worker()])).toBe(0);
    // 1,000 s of work for one worker, 10 times as much in a tenth of the time for the other.
    expect(estimateWait(10_000, 1_100_000, [worker(), worker({ seconds_per_cost: 0.001 })])).toBeCloseTo(
      1000,
      -2,
    );
  });
});

describe("The work ahead of a job", () => {
  let harness: QueueHarness;
  let { redis, queue, keys } = {} as QueueHarness;
  beforeAll(async () => {
    harness = await QueueHarness.start();
    ({ redis, queue, keys } = harness);
  });
  afterAll(() => harness.close());
  beforeEach(async () => {
    await harness.clear();
    await announceWorker(redis, keys, worker());
  });

  const findPosition = (id: string) => queue.getPosition({ id, status: "queued" });
  const sized = (pixels: number) => submission({ pixels: pixels * 1000 });
  const work = (pixels: number) => estimateCost(submission().options, pixels * 1000);

  it("is the sum of what they cost, large ones and small ones", async () => {
    const jobs = [sized(100), sized(5_000), sized(100)];
    for (const job of jobs) await queue.submit(job);
    const { position, eta_seconds } = (await findPosition(jobs[2]?.id ?? "")) ?? {};
    expect(position).toBe(2);
    // Rounded up to two digits.
    expect(eta_seconds).toBeGreaterThanOrEqual(0.01 * (work(100) + work(5_000)));
    expect(eta_seconds).toBeLessThan(0.011 * (work(100) + work(5_000)) + 1);
  });

  it("is reckoned from the mean where many are ahead, and forgets those that go", async () => {
    const jobs = Array.from({ length: 60 }, (_, index) => sized(index % 2 === 0 ? 100 : 300));
    for (const job of jobs) await queue.submit(job);
    const last = jobs.at(-1)?.id ?? "";
    const expected = (count: number) => 0.01 * count * work(200);
    const { position, eta_seconds } = (await findPosition(last)) ?? {};
    expect(position).toBe(59);
    expect(eta_seconds).toBeGreaterThan(0.9 * expected(59));
    expect(eta_seconds).toBeLessThan(1.15 * expected(59));
    for (const job of jobs.slice(0, 20)) await queue.cancel(job.id);
    const later = await findPosition(last);
    expect(later?.position).toBe(39);
    expect(later?.eta_seconds).toBeGreaterThan(0.9 * expected(39));
    expect(later?.eta_seconds).toBeLessThan(1.15 * expected(39));
    for (const job of jobs.slice(20)) await queue.cancel(job.id);
    expect(await redis.get(keys.queuedCost)).toBe("0");
    await queue.retry(last);
    expect(await redis.get(keys.queuedCost)).toBe(String(work(300)));
  });
});
