import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import { connectForWork } from "../../src/redis/connection.ts";
import {
  type AttemptOutcome,
  DeliveryQueue,
  DeliveryWorker,
  type WebhookMessage,
} from "../../src/webhooks/delivery-queue.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { until } from "../support/until.ts";

let harness: QueueHarness;
let queue: DeliveryQueue;
const open: { worker: DeliveryWorker; redis: Redis }[] = [];

beforeAll(async () => {
  harness = await QueueHarness.start();
  queue = new DeliveryQueue(harness.redis, harness.keys);
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

/** Starts a worker. Returns its attempts: the id of the message and the number of previous attempts. */
function startWorker(
  attempt: (message: WebhookMessage, previousAttempts: number) => AttemptOutcome,
): string[] {
  const redis = connectForWork(harness.server.url);
  const attempts: string[] = [];
  const record = async (message: WebhookMessage, previousAttempts: number) => {
    attempts.push(`${message.id} ${previousAttempts}`);
    return attempt(message, previousAttempts);
  };
  const worker = new DeliveryWorker(redis, harness.keys, record, () => undefined);
  open.push({ worker, redis });
  worker.start();
  return attempts;
}

const message = (id: string): WebhookMessage => ({
  ...{ id, event: "job.succeeded", job: "a job", owner: "local", url: "http://127.0.0.1/", body: "{}" },
  traceparent: null,
});

describe("A webhook message", () => {
  it("is sent once if it is added several times, even after it was delivered", async () => {
    await queue.add(message("a"));
    await queue.add(message("a"));
    const attempts = startWorker(() => ({ type: "delivered" }));
    await until(() => attempts.length > 0);
    await queue.add(message("a"));
    await queue.add(message("b"));
    await until(() => attempts.includes("b 0"));
    expect(attempts).toEqual(["a 0", "b 0"]);
  });

  it("is retried after the delay until it is delivered or given up", async () => {
    const times: number[] = [];
    const attempts = startWorker(({ id }, previousAttempts) => {
      times.push(performance.now());
      if (previousAttempts === 0) return { type: "retry", delayMs: 300 };
      return { type: id === "a" ? "delivered" : "exhausted" };
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
