import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import { readConfig } from "../../src/config.ts";
import { IdempotencyStore } from "../../src/jobs/idempotency-store.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import type { JobChange } from "../../src/jobs/records/job-change-subscriber.ts";
import { sendHeartbeat } from "../../src/jobs/scheduling/worker-registry.ts";
import { inspectServer } from "../../src/redis/check-server.ts";
import { connectForRequests, connectForWork } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import type { AttemptContext, JobOutcome } from "../../workers/job/attempt-context.ts";
import { JobWorker } from "../../workers/job-worker.ts";
import { connected } from "../support/harness/redis.ts";
import { TestRedisCluster } from "../support/harness/redis-cluster.ts";
import { positionOf, submission } from "../support/jobs.ts";
import { until } from "../support/until.ts";

let cluster: TestRedisCluster;
beforeAll(async () => {
  cluster = await TestRedisCluster.start();
});
afterAll(() => cluster.stop());

/** A queue with a worker under a hash tag of its own, as one shard of a larger installation. */
async function shard(tag: string, process: (attempt: AttemptContext) => Promise<JobOutcome>) {
  const keys = new RedisKeys(tag);
  const { redisUrl } = readConfig({ REDIS_URL: cluster.url, REDIS_KEY_PREFIX: tag });
  const redis = await connected(connectForRequests(redisUrl));
  const queue = new JobQueue(redis, keys);
  const workerRedis: Redis = connectForWork(redisUrl);
  const worker = new JobWorker(workerRedis, keys, process, { name: `of ${tag}` });
  return {
    ...{ keys, redis, queue, worker },
    async close() {
      await worker.close(5_000);
      workerRedis.disconnect();
      await queue.close();
    },
  };
}

/** Indexes of the nodes that hold keys of a tag. */
async function nodesOf(tag: string): Promise<number[]> {
  const counts = await Promise.all(cluster.nodes.map((node) => node.keys(`{${tag}}*`)));
  return counts.flatMap((keys, index) => (keys.length > 0 ? [index] : []));
}

describe("A queue in a Redis Cluster", () => {
  it("works as on a single server, and keeps all keys on one node", async () => {
    const seen: JobChange[] = [];
    let fails = true;
    const one = await shard("nst", async ({ record }) => {
      if (record.metadata.fails && fails)
        return { type: "failed", code: "picture_unreadable", message: "Not a picture" };
      return { type: "succeeded", fields: { losses: "l" } };
    });
    const { queue } = one;
    const status = async (id: string) => (await queue.find(id))?.status;
    const jobs = await Promise.all(Array.from({ length: 5 }, () => queue.submit(submission())));
    const bad = await queue.submit(submission({ metadata: { fails: true } }));
    const canceled = await queue.submit(submission());
    expect(await positionOf(queue, canceled.id)).toBe(6);
    await queue.cancel(canceled.id);
    const unwatch = await queue.watch(bad.id, (change) => seen.push(change));
    one.worker.start();
    for (const { id } of jobs) await until(async () => (await status(id)) === "succeeded");
    await until(async () => (await status(bad.id)) === "failed");
    fails = false;
    await queue.retry(bad.id);
    await until(async () => (await status(bad.id)) === "succeeded");
    await until(async () => seen.some((change) => change.status === "succeeded"));
    await unwatch();
    expect(await queue.statistics.countByStatus()).toMatchObject({
      succeeded: 6,
      canceled: 1,
      queued: 0,
      running: 0,
    });
    expect((await queue.list({ limit: 10 })).length).toBe(7);
    expect(await queue.delete(canceled.id)).toMatchObject({ id: canceled.id });

    const idempotency = new IdempotencyStore(one.redis, one.keys);
    const begun = await idempotency.begin({ owner: "local", key: "key" }, "print", "job");
    expect(begun.type).toBe("proceed");
    if (begun.type === "proceed") await begun.request.answer("response");
    const described = { version: "1", host: "h", pid: 1, started_at: new Date().toISOString() };
    const worker = {
      id: "w",
      ...described,
      ready: true,
      reason: null,
      engine: null,
      job: null,
      seconds_per_cost: null,
      free_in_seconds: null,
    };
    await sendHeartbeat(one.redis, one.keys, { ...worker, largest_size: 4096 });
    expect(await queue.statistics.workers()).toHaveLength(1);
    expect(await inspectServer(one.redis)).toEqual([]);
    expect(await nodesOf("nst")).toHaveLength(1);
    await one.close();
  });

  it("is independent of queues with other tags, which are spread over the nodes", async () => {
    const tags = ["tenant-1", "tenant-2", "tenant-3", "tenant-4", "tenant-5", "tenant-6"];
    const shards = await Promise.all(
      tags.map((tag) => shard(tag, async () => ({ type: "succeeded", fields: {} }))),
    );
    const jobs = await Promise.all(shards.map(({ queue }) => queue.submit(submission())));
    for (const { worker } of shards) worker.start();
    for (const [index, { queue }] of shards.entries()) {
      await until(async () => (await queue.find(jobs[index]?.id ?? ""))?.status === "succeeded");
      expect(await queue.statistics.countByStatus()).toMatchObject({ succeeded: 1 });
    }
    const nodes = await Promise.all(tags.map(nodesOf));
    expect(nodes.every((each) => each.length === 1)).toBe(true);
    expect(new Set(nodes.flat()).size).toBeGreaterThan(1);
    await Promise.all(shards.map((each) => each.close()));
  });
});
