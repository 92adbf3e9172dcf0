import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { estimateCost, estimateWait } from "../../src/jobs/records/cost-model.ts";
import { sendHeartbeat, type WorkerDescription } from "../../src/jobs/scheduling/worker-registry.ts";
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

describe("The estimated wait", () => {
  it("is null without a worker", () => {
    expect(estimateWait(0, 0, [])).toBeNull();
  });

  it("is the time until a worker is free if no job is ahead", () => {
    expect(estimateWait(0, 0, [worker()])).toBe(0);
    expect(estimateWait(0, 0, [worker({ free_in_seconds: 9 }), worker({ free_in_seconds: 4 })])).toBe(4);
  });

  it("assigns the jobs ahead to all workers, each at its own speed", () => {
    expect(estimateWait(3, 600, [worker({ free_in_seconds: 2 })])).toBe(8);
    // Two free workers take a job of 2 s each.
    expect(estimateWait(2, 400, [worker(), worker()])).toBe(2);
    // Of two workers one takes the only job ahead: the other one is free at once.
    expect(estimateWait(1, 400, [worker(), worker()])).toBe(0);
    // In 1,000 s one worker does a cost of 100,000, the other, ten times as fast, one of 1,000,000.
    expect(estimateWait(10_000, 1_100_000, [worker(), worker({ seconds_per_cost: 0.001 })])).toBeCloseTo(
      1000,
      -2,
    );
  });
});

describe("The cost of the jobs ahead", () => {
  let harness: QueueHarness;
  let { redis, queue, keys } = {} as QueueHarness;
  beforeAll(async () => {
    harness = await QueueHarness.start();
    ({ redis, queue, keys } = harness);
  });
  afterAll(() => harness.close());
  beforeEach(async () => {
    await harness.clear();
    await sendHeartbeat(redis, keys, worker());
  });

  const findPosition = (id: string) => queue.getPosition({ id, status: "queued" });
  const sized = (pixels: number) => submission({ pixels: pixels * 1000 });
  const cost = (pixels: number) => estimateCost(submission().options, pixels * 1000);

  it("is the sum of large and small jobs", async () => {
    const jobs = [sized(100), sized(5_000), sized(100)];
    for (const job of jobs) await queue.submit(job);
    const { position, eta_seconds } = (await findPosition(jobs[2]?.id ?? "")) ?? {};
    expect(position).toBe(2);
    // The estimate is rounded up to two digits.
    expect(eta_seconds).toBeGreaterThanOrEqual(0.01 * (cost(100) + cost(5_000)));
    expect(eta_seconds).toBeLessThan(0.011 * (cost(100) + cost(5_000)) + 1);
  });

  it("is estimated by the mean if many jobs are ahead, and decreases as they leave", async () => {
    const jobs = Array.from({ length: 60 }, (_, index) => sized(index % 2 === 0 ? 100 : 300));
    for (const job of jobs) await queue.submit(job);
    const last = jobs.at(-1)?.id ?? "";
    const expected = (count: number) => 0.01 * count * cost(200);
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
    expect(await redis.get(keys.queuedCost)).toBe(String(cost(300)));
  });
});
