import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../../src/contract/presets.ts";
import { JobQueue } from "../../../src/jobs/job-queue.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { sendHeartbeat } from "../../../src/jobs/scheduling/worker-registry.ts";
import { connectForRequests } from "../../../src/redis/connection.ts";
import type { AttemptContext } from "../../../workers/job/attempt-context.ts";
import { QueueHarness } from "../../support/harness/queue.ts";
import { connected } from "../../support/harness/redis.ts";
import { positionOf, submission } from "../../support/jobs.ts";
import { until } from "../../support/until.ts";

const LONGER_THAN_A_TEST_MS = 3600_000;
let harness: QueueHarness;
let { server, redis, queue, keys } = {} as QueueHarness;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ server, redis, queue, keys } = harness);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

/** Starts a worker that takes jobs up to a size. Returns the jobs that it took, in order, and how often it polled. */
function startWorker(largestSize: number) {
  const taken: string[] = [];
  let polls = 0;
  const process = async ({ record }: AttemptContext) => {
    taken.push(record.id);
    return { type: "succeeded", fields: {} } as const;
  };
  const worker = harness.startWorker(process, {
    largestSize: () => {
      polls += 1;
      return largestSize;
    },
  });
  return { worker, taken, polls: () => polls };
}

const submit = (size: number) =>
  queue.submit(submission({ options: resolveOptions({ preset: "draft", size }, 1) }));

const hasEnded = async ({ id }: JobRecord) => (await queue.find(id))?.status === "succeeded";

describe("A worker with little memory", () => {
  it("takes the jobs that fit in their order, and leaves larger jobs unchanged in their place", async () => {
    const large = await submit(2048);
    const jobs = [await submit(512), await submit(1024), await submit(64)];
    const otherLarge = await submit(4096);
    const { taken } = startWorker(1024);
    for (const job of jobs) await until(() => hasEnded(job));
    expect(taken).toEqual(jobs.map(({ id }) => id));
    // The worker takes the first large job once more, and returns it.
    const positions = () => Promise.all([large, otherLarge].map(({ id }) => positionOf(queue, id)));
    await until(async () => (await positions()).join() === "0,1");
    expect(await queue.find(large.id)).toMatchObject({ status: "queued", attempts: 0, revision: 1 });
  });

  it("leaves jobs that do not fit to larger workers", async () => {
    const small = startWorker(256);
    const jobs = [await submit(2048), await submit(1024)];
    await until(() => small.polls() > 2);
    const large = startWorker(4096).taken;
    for (const job of jobs) await until(() => hasEnded(job));
    expect(large).toEqual(jobs.map(({ id }) => id));
    expect(small.taken).toEqual([]);
  });

  it("polls once a second if no queued job fits", async () => {
    await submit(4096);
    const { polls } = startWorker(64);
    await until(() => polls() > 1);
    const before = polls();
    await sleep(2_500); // time itself is tested here
    expect(polls() - before).toBeLessThanOrEqual(3);
  });

  it("takes a job that fits as soon as one is submitted", async () => {
    await submit(4096);
    const { taken, polls } = startWorker(64);
    await until(() => polls() > 1);
    const job = await submit(64);
    await until(() => hasEnded(job));
    expect(taken).toEqual([job.id]);
  });

  it("closes at once while it waits for a job that fits", async () => {
    await submit(4096);
    const { worker, polls } = startWorker(64);
    await until(() => polls() > 1);
    await worker.close(LONGER_THAN_A_TEST_MS);
  });
});

describe("The position of a queued job", () => {
  it("says whether the job waits for its turn, for any worker, or for a larger worker", async () => {
    const { id } = await submit(2048);
    const waitsFor = async (largest_size: number | null, ready = true) => {
      // A new queue has not cached the workers yet.
      const fresh = new JobQueue(await connected(connectForRequests(server.url)), keys);
      await redis.del(keys.worker("w"));
      const described = { id: "w", version: "1", host: "h", pid: 1, started_at: new Date().toISOString() };
      const state = { ready, reason: null, engine: null, job: null };
      const rest = { seconds_per_cost: null, free_in_seconds: null };
      if (largest_size !== null) {
        await sendHeartbeat(redis, keys, { ...described, ...state, ...rest, largest_size });
      }
      const position = await fresh.getPosition({ id, status: "queued" });
      await fresh.close();
      return position;
    };
    expect(await waitsFor(null)).toMatchObject({ waiting_for: "worker", eta_seconds: null });
    expect(await waitsFor(4096, false)).toMatchObject({ waiting_for: "worker", eta_seconds: null });
    expect(await waitsFor(1024)).toMatchObject({ waiting_for: "larger_worker", eta_seconds: null });
    expect(await waitsFor(2048)).toMatchObject({ waiting_for: "earlier_jobs", eta_seconds: 0 });
  });
});

describe("Jobs that fit no worker", () => {
  it("are counted, with the largest size", async () => {
    for (const size of [64, 2048, 3000]) await submit(size);
    const { statistics } = queue;
    expect(await statistics.countOversized(1024)).toEqual({ count: 2, largestSize: 3000 });
    expect(await statistics.countOversized(2048)).toEqual({ count: 1, largestSize: 3000 });
    expect(await statistics.countOversized(4096)).toEqual({ count: 0, largestSize: 0 });
    const { id } = await submit(4000);
    await queue.cancel(id);
    expect(await statistics.countOversized(1024)).toEqual({ count: 2, largestSize: 3000 });
  });
});
