import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { MAXIMUM_ATTEMPTS } from "../../workers/job/attempt.ts";
import type { AttemptContext, JobOutcome } from "../../workers/job/attempt-context.ts";
import { CuttingProxy } from "../support/harness/cutting-proxy.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { positionOf, submission } from "../support/jobs.ts";
import { until } from "../support/until.ts";

const LOCK_MS = 600;
const LONGER_THAN_A_TEST_MS = 3600_000;
let harness: QueueHarness;
let { server, redis, queue, keys } = {} as QueueHarness;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ server, redis, queue, keys } = harness);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

const startWorker = (process: (attempt_id: AttemptContext) => Promise<JobOutcome>, name = "worker") =>
  harness.startWorker(process, { name, lockMs: LOCK_MS });

const untilJob = (id: string, condition: (record: JobRecord) => boolean): Promise<JobRecord> =>
  until(async () => {
    // Redis may be unreachable at the moment.
    const record = await queue.find(id).catch(() => null);
    return record && condition(record) && record;
  });
const ended = ({ status }: JobRecord) => !["queued", "running"].includes(status);
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

describe("JobWorker", () => {
  it("takes jobs one at a time, by priority and then in order of submission", async () => {
    const jobs = [submission(), submission(), submission({ priority: 1 })];
    for (const job of jobs) await queue.submit(job);
    const taken: string[] = [];
    let atOnce = 0;
    startWorker(async ({ record }) => {
      taken.push(record.id);
      expect(++atOnce).toBe(1);
      await sleep(20); // time in which the worker could wrongly take a second job
      atOnce--;
      return { type: "succeeded", fields: { losses: "l" } };
    });
    const records = await Promise.all(jobs.map(({ id }) => untilJob(id, ended)));
    expect(records).toMatchObject(
      jobs.map(() => ({ status: "succeeded", attempts: 1, worker: "worker", attempt_id: null, losses: "l" })),
    );
    expect(records.every(({ started_at, finished_at }) => started_at && finished_at)).toBe(true);
    expect(taken).toEqual([jobs[2], jobs[0], jobs[1]].map((job) => job?.id));
    await until(async () => (await redis.exists(...jobs.map(({ id }) => keys.bullmq(id)))) === 0);
  });

  it("records why a job failed, and does not retry it", async () => {
    const { id } = await queue.submit(submission());
    startWorker(async () => ({ type: "failed", code: "picture_unreadable", message: "Not a picture" }));
    expect(await untilJob(id, ended)).toMatchObject({
      status: "failed",
      attempts: 1,
      error: { code: "picture_unreadable", message: "Not a picture" },
    });
  });

  it("attempts a job that crashes three times, and then takes the next one", async () => {
    const bad = await queue.submit(submission({ metadata: { bad: true } }));
    const good = await queue.submit(submission());
    let starts = 0;
    startWorker(async ({ record }) => {
      if (!record.metadata.bad) return { type: "succeeded", fields: {} };
      starts++;
      return { type: "crashed", code: "engine_crashed", message: "The engine died" };
    });
    expect(await untilJob(bad.id, ended)).toMatchObject({
      status: "failed",
      attempts: MAXIMUM_ATTEMPTS,
      error: { code: "engine_crashed" },
    });
    expect(await untilJob(good.id, ended)).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(starts).toBe(MAXIMUM_ATTEMPTS);
  });

  it("aborts a job that is canceled, and ignores its outcome", async () => {
    const { id } = await queue.submit(submission());
    let stopped: unknown;
    startWorker(async ({ signal }) => {
      await aborted(signal);
      stopped = signal.reason;
      return { type: "succeeded", fields: { losses: "late" } };
    });
    await untilJob(id, ({ status }) => status === "running");
    const canceled = await queue.cancel(id);
    expect(canceled).toMatchObject({ status: "canceled" });
    await until(() => stopped);
    expect(stopped).toBe("canceled");
    const next = await queue.submit(submission());
    await untilJob(next.id, ({ status }) => status === "running");
    expect(await queue.find(id)).toEqual(canceled);
  });

  it("notices a cancellation whose message was lost at the next update", async () => {
    const { id } = await queue.submit(submission());
    let reason: unknown;
    startWorker(async ({ signal, update }) => {
      await until(async () => {
        await update({ losses: "x" });
        return signal.aborted;
      });
      reason = signal.reason;
      return { type: "stopped" };
    });
    await untilJob(id, ({ losses }) => losses === "x");
    await redis.hset(keys.job(id), "status", '"canceled"');
    await until(() => reason);
    expect(reason).toBe("lost");
  });

  it("returns its job to the queue when it closes, without counting an attempt, and another worker continues it", async () => {
    const { id } = await queue.submit(submission());
    const first = startWorker(async ({ signal, update }) => {
      await update({ checkpoint: { key: "c", step: 5 } });
      await aborted(signal);
      return { type: "stopped" };
    }, "first");
    const { started_at } = await untilJob(id, ({ checkpoint }) => checkpoint !== null);
    await first.close(LONGER_THAN_A_TEST_MS);
    expect(await queue.find(id)).toMatchObject({ status: "queued", attempts: 0, checkpoint: { step: 5 } });
    expect(await positionOf(queue, id)).toBe(0);
    startWorker(async ({ record }) => {
      expect(record.checkpoint).toEqual({ key: "c", step: 5 });
      return { type: "succeeded", fields: {} };
    }, "second");
    const record = await untilJob(id, ended);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1, worker: "second", started_at });
  });

  it("renews its lock for as long as the job takes", async () => {
    const { id } = await queue.submit(submission());
    let starts = 0;
    const work = async (): Promise<JobOutcome> => {
      starts++;
      await sleep(4 * LOCK_MS); // time itself is tested here
      return { type: "succeeded", fields: {} };
    };
    startWorker(work, "first");
    startWorker(work, "second");
    expect(await untilJob(id, ended)).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(starts).toBe(1);
  });

  it("attempts a job again that was canceled and retried while its attempt was still ending", async () => {
    const { id } = await queue.submit(submission());
    let starts = 0;
    startWorker(async ({ signal }) => {
      if (++starts === 2) return { type: "succeeded", fields: {} };
      await aborted(signal);
      await untilJob(id, ({ status }) => status === "queued");
      return { type: "stopped" };
    });
    await untilJob(id, ({ status }) => status === "running");
    await queue.cancel(id);
    await queue.retry(id);
    expect(await untilJob(id, ended)).toMatchObject({ status: "succeeded" });
  });

  it("attempts a job again that was retried after the attempt had read its record for the last time", async () => {
    const { id } = await queue.submit(submission());
    let starts = 0;
    startWorker(async ({ signal }) => {
      if (++starts === 2) return { type: "succeeded", fields: {} };
      await aborted(signal);
      const cleanUp = async () => void (await queue.retry(id));
      return { type: "stopped", cleanUp };
    });
    await untilJob(id, ({ status }) => status === "running");
    await queue.cancel(id);
    expect(await untilJob(id, ({ status }) => status === "succeeded")).toMatchObject({ attempts: 1 });
  });
});

describe("Two workers that hold one job because the first one's lock expired", () => {
  it("record only the second one's result", async () => {
    const { id } = await queue.submit(submission());
    const reasons: unknown[] = [];
    const release: (() => void)[] = [];
    startWorker(async ({ signal, update }) => {
      await new Promise<void>((resolve) => release.push(resolve));
      await update({ losses: "first" });
      reasons.push(signal.reason);
      return { type: "succeeded", fields: { losses: "first" } };
    }, "first");
    await untilJob(id, ({ status }) => status === "running");
    // As if the whole first process had paused: its lock has expired and is not renewed.
    await redis.set(`${keys.bullmq(id)}:lock`, "another", "PX", 1);
    startWorker(async () => {
      await until(() => reasons.length > 0);
      return { type: "succeeded", fields: { losses: "second" } };
    }, "second");
    await untilJob(id, ({ worker }) => worker === "second");
    release[0]?.();
    expect(await untilJob(id, ended)).toMatchObject({ losses: "second", worker: "second", attempts: 2 });
    expect(reasons).toEqual(["lost"]);
  });
});

describe("A claim whose reply is lost", () => {
  it("is repeated by the same attempt, and counts once", async () => {
    const path = join(server.folder, "proxy");
    // The script that claims a job is the only one that changes a queued or running job to running.
    const isClaim = (sent: string) => sent.includes('"from":["queued","running"],"to":"running"');
    const proxy = await CuttingProxy.start(join(server.folder, "socket"), path, isClaim);
    try {
      const { id } = await queue.submit(submission());
      const process = async () => ({ type: "succeeded", fields: {} }) as const;
      harness.startWorker(process, { lockMs: LOCK_MS }, `unix://${path}`);
      expect(await untilJob(id, ended)).toMatchObject({ status: "succeeded", attempts: 1 });
      expect(proxy.cuts).toBe(1);
      await harness.clear();
    } finally {
      await proxy.close();
    }
  });
});

describe("While Redis is unreachable for longer than a lock lasts", () => {
  it("the current job continues, and its result is recorded", async () => {
    const { id } = await queue.submit(submission());
    startWorker(async ({ record, update }) => {
      if (record.id !== id) return { type: "succeeded", fields: {} };
      await server.kill();
      const written = update({ losses: "x" });
      await sleep(2 * LOCK_MS); // time itself is tested here
      await server.start();
      await written;
      return { type: "succeeded", fields: { losses: "y" } };
    });
    expect(await untilJob(id, ended)).toMatchObject({ status: "succeeded", losses: "y" });
    const next = await queue.submit(submission());
    await untilJob(next.id, ended);
  });
});
