import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { QueueFullError } from "../../src/jobs/job-limits.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import type { JobChange } from "../../src/jobs/records/job-change-subscriber.ts";
import { requeueLostJobs } from "../../src/maintenance/requeue-lost.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { isRedisUnavailable } from "../../src/redis/errors.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { connected } from "../support/harness/redis.ts";
import { positionOf, submission } from "../support/jobs.ts";
import { until } from "../support/until.ts";

let harness: QueueHarness;
let { server, redis, queue, keys, records } = {} as QueueHarness;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ server, redis, queue, keys, records } = harness);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

describe("Submitting a job", () => {
  it("stores the job as it was submitted, with the status queued", async () => {
    const job = submission({ metadata: { a: [1, "é"] }, priority: 7 });
    const submitted = await queue.submit(job);
    expect(await queue.find(job.id)).toEqual(submitted);
    expect(submitted).toMatchObject({
      ...{ id: job.id, status: "queued", attempts: 0, priority: 7, metadata: { a: [1, "é"] }, revision: 1 },
      ...{ content: job.content, styles: job.styles, options: job.options, started_at: null, error: null },
    });
  });

  it("changes nothing if the id was submitted before", async () => {
    const job = submission();
    const before = queue.accepted;
    const first = await queue.submit(job);
    expect(await queue.submit({ ...job, content: "another" })).toEqual(first);
    expect(queue.accepted).toBe(before + 1);
    expect(await queue.statistics.countByStatus()).toMatchObject({ queued: 1 });
    expect(await redis.zcard(keys.bullmq("prioritized"))).toBe(1);
  });

  it("returns null for an unknown id in all methods", async () => {
    expect(await queue.find(submission().id)).toBeNull();
    expect(await queue.cancel(submission().id)).toBeNull();
    expect(await queue.delete(submission().id)).toBeNull();
    expect(await positionOf(queue, submission().id)).toBeNull();
  });

  it("throws QueueFullError at the limit, and stores nothing", async () => {
    const limited = new JobQueue(await connected(connectForRequests(server.url)), keys, { queuedJobs: 2 });
    await limited.submit(submission());
    await limited.submit(submission());
    const third = submission();
    await expect(limited.submit(third)).rejects.toThrow(QueueFullError);
    expect(await limited.find(third.id)).toBeNull();
    await limited.close();
  });
});

describe("The position of a queued job", () => {
  it("counts the jobs ahead of it", async () => {
    const jobs = [submission(), submission(), submission({ priority: 1 }), submission()];
    for (const job of jobs) await queue.submit(job);
    const positions = await Promise.all(jobs.map(({ id }) => positionOf(queue, id)));
    expect(positions).toEqual([1, 2, 0, 3]);
  });

  it("decreases if a job ahead of it is canceled", async () => {
    const jobs = [submission(), submission(), submission()];
    for (const job of jobs) await queue.submit(job);
    await queue.cancel(jobs[0]?.id ?? "");
    expect(await Promise.all(jobs.map(({ id }) => positionOf(queue, id)))).toEqual([null, 0, 1]);
  });
});

describe("Canceling a job", () => {
  it("ends a queued job, and changes nothing the second time", async () => {
    const { id } = await queue.submit(submission());
    const canceled = await queue.cancel(id);
    expect(canceled).toMatchObject({ status: "canceled", revision: 2 });
    expect(canceled?.finished_at).not.toBeNull();
    expect(await queue.cancel(id)).toEqual(canceled);
    expect(await queue.statistics.countByStatus()).toMatchObject({ queued: 0, canceled: 1 });
  });

  it("races with success and failure, and exactly one of them happens", async () => {
    const ends = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const { id } = await queue.submit(submission());
      await records.transition(id, "start", { attempt_id: "a", attempts: 1 });
      const changes = [
        () => records.transition(id, "succeed", {}, { attempt_id: "a" }),
        () => records.transition(id, "cancel"),
        () => records.transition(id, "fail", {}, { attempt_id: "a" }),
      ];
      const order = round % 2 === 0 ? changes : changes.reverse();
      const won = await Promise.all(order.map((change) => change()));
      expect(won.filter(Boolean)).toHaveLength(1);
      const record = await queue.find(id);
      expect(record?.revision).toBe(3);
      ends.add(record?.status ?? "");
    }
    expect([...ends].sort()).toEqual(["failed", "succeeded"]);
    const counts = await queue.statistics.countByStatus();
    expect(counts.queued + counts.running).toBe(0);
  });
});

describe("An attempt that lost its job", () => {
  it("cannot write to the record", async () => {
    const { id } = await queue.submit(submission());
    await records.transition(id, "start", { attempt_id: "first", attempts: 1 });
    await records.transition(id, "start", { attempt_id: "second", attempts: 2 });
    expect(await records.update(id, "first", { losses: "x" })).toBe(false);
    expect(await records.transition(id, "succeed", {}, { attempt_id: "first" })).toBe(false);
    expect(await records.update(id, "second", { losses: "y" })).toBe(true);
    expect(await queue.find(id)).toMatchObject({ status: "running", losses: "y", attempts: 2 });
  });
});

describe("The list of jobs", () => {
  it("is newest first, can be filtered by status, and has a cursor that survives deletions", async () => {
    const jobs = Array.from({ length: 7 }, () => submission());
    for (const job of jobs) await queue.submit(job);
    const newest = jobs.map(({ id }) => id).reverse();
    const first = await queue.list({ limit: 3 });
    expect(first.map(({ id }) => id)).toEqual(newest.slice(0, 3));
    await queue.delete(newest[2] ?? "");
    await queue.submit(submission());
    const next = await queue.list({ limit: 3, before: newest[2] ?? "" });
    expect(next.map(({ id }) => id)).toEqual(newest.slice(3, 6));
    await queue.cancel(newest[5] ?? "");
    expect(await queue.list({ limit: 10, status: "canceled" })).toMatchObject([{ id: newest[5] }]);
  });
});

describe("Deleting a job", () => {
  it("removes everything about it from Redis", async () => {
    const job = submission({ expires_in: 1000 });
    await queue.submit(job);
    expect(await queue.delete(job.id)).toMatchObject({ id: job.id, content: job.content });
    expect(await queue.find(job.id)).toBeNull();
    expect(await queue.delete(job.id)).toBeNull();
    const left = (await redis.keys("*")).filter((key) => !key.includes(":jobs:"));
    expect(left.sort()).toEqual([keys.arrivals, keys.queuedCost]);
    expect(await redis.keys(`*${job.id}*`)).toEqual([]);
  });
});

describe("Watching a job", () => {
  it("reports every change in order until it is stopped", async () => {
    const { id } = await queue.submit(submission());
    const seen: JobChange[] = [];
    const later: JobChange[] = [];
    const stop = await queue.watch(id, (change) => seen.push(change));
    const stopLater = await queue.watch(id, (change) => later.push(change));
    await records.transition(id, "start", { attempt_id: "a" });
    await records.update(id, "a", { losses: "x" });
    await queue.cancel(id);
    await until(() => seen.length >= 3);
    await stop();
    await queue.retry(id);
    await until(() => later.length >= 4);
    await stopLater();
    expect(seen).toEqual([
      { id, revision: 2, status: "running", options_version: 0, finish_requested: false },
      { id, revision: 3, status: "running", options_version: 0, finish_requested: false },
      { id, revision: 4, status: "canceled", options_version: 0, finish_requested: false },
    ]);
  });
});

describe("A job that BullMQ does not know, because a process died", () => {
  it("is requeued once", async () => {
    const { id } = await queue.submit(submission());
    await redis.del(keys.bullmq(id), keys.bullmq("prioritized"));
    expect(await positionOf(queue, id)).toBeNull();
    expect(await requeueLostJobs(queue)).toBe(1);
    expect(await positionOf(queue, id)).toBe(0);
    expect(await requeueLostJobs(queue)).toBe(0);
  });
});

describe("While Redis is unavailable", () => {
  it("all methods reject, and work again as soon as it is back", async () => {
    const job = await queue.submit(submission());
    await server.kill();
    for (const call of [
      () => queue.submit(submission()),
      () => queue.find(job.id),
      () => queue.getPosition(job),
      () => queue.cancel(job.id),
      () => queue.list({ limit: 1 }),
      () => queue.statistics.workers(),
      () => queue.watch(job.id, () => undefined),
      () => queue.ping(),
    ]) {
      expect(await call().catch(isRedisUnavailable)).toBe(true);
    }
    await server.start();
    await connected(redis);
    expect(await queue.find(job.id)).toEqual(job);
    expect(await positionOf(queue, job.id)).toBe(0);
    await expect(queue.submit(submission())).resolves.toMatchObject({ status: "queued" });
  });
});
