import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import { connectForWork } from "../../src/redis/connection.ts";
import {
  type AttemptEnd,
  type WebhookMessage,
  WebhookQueue,
  WebhookWorker,
} from "../../src/webhooks/delivery-queue.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { until } from "../support/until.ts";

let harness: QueueHarness;
let queue: WebhookQueue;
const open: { worker: WebhookWorker; redis: Redis }[] = [];

beforeAll(async () => {
  harness = await QueueHarness.start();
  queue = new WebhookQueue(harness.redis, harness.keys);
});
afterEach(async () => {
  for (const { worker, redis } of open.splice(0)) {
    await worker.close();
    redis.disconnect();
  }
  await harness.clear();
});
afterAll(async () => {
  await queue.close();
  await harness.close();
});

/** Takes messages; gives their ids, in the order of the attempts. */
function startWorker(attempt: (message: WebhookMessage, before: number) => AttemptEnd): string[] {
  const redis = connectForWork(harness.server.url);
  const attempts: string[] = [];
  const take = async (message: WebhookMessage, before: number) => {
    attempts.push(`${message.id} ${before}`);
    return attempt(message, before);
  };
  const worker = new WebhookWorker(redis, harness.keys, take, () => undefined);
  open.push({ worker, redis });
  worker.start();
  return attempts;
}

const message = (id: string): WebhookMessage => ({
  ...{ id, event: "job.succeeded", job: "a job", owner: "local", url: "http://127.0.0.1/", body: "{}" },
  traceparent: null,
});

describe("A message to a webhook", () => {
  it("is sent once where two processes hand it in, also when it was sent in between", async () => {
    await queue.add(message("a"));
    await queue.add(message("a"));
    const attempts = startWorker(() => ({ type: "delivered" }));
    await until(() => attempts.length > 0);
    await queue.add(message("a"));
    await queue.add(message("b"));
    await until(() => attempts.includes("b 0"));
    expect(attempts).toEqual(["a 0", "b 0"]);
  });

  it("is tried again after its pause until it is delivered, or given up", async () => {
    const times: number[] = [];
    const attempts = startWorker(({ id }, before) => {
      times.push(performance.now());
      if (before === 0) return { type: "again", ms: 300 };
      return { type: id === "a" ? "delivered" : "given_up" };
    });
    await queue.add(message("a"));
    await until(() => attempts.length === 2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(290);
    await queue.add(message("b"));
    await until(() => attempts.length === 4);
    await queue.add(message("c"));
    await until(() => attempts.includes("c 1"));
    expect(attempts).toEqual(["a 0", "a 1", "b 0", "b 1", "c 0", "c 1"]);
  });
});
