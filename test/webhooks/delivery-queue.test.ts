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
const startedWorkers: { worker: DeliveryWorker; redis: Redis }[] = [];

beforeAll(async () => {
  harness = await QueueHarness.start();
  queue = new DeliveryQueue(harness.redis, harness.keys);
});
afterEach(async () => {
  for (const { worker, redis } of startedWorkers.splice(0)) {
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
  startedWorkers.push({ worker, redis });
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

describe("Messages that no receiver takes", () => {
  const undelivered = () => harness.redis.zrange(harness.keys.undelivered("local"), "0", "-1");
  const messagesLeft = () => harness.redis.keys("*:webhooks:msg_*");

  it("are bounded for each job and for each owner: the oldest are given up, and leave nothing in Redis", async () => {
    const bounded = new DeliveryQueue(harness.redis, harness.keys, { ofJob: 3, ofOwner: 5 });
    const givenUp: string[] = [];
    for (const id of ["msg_a_1", "msg_a_2", "msg_b_1", "msg_b_2", "msg_b_3", "msg_b_4", "msg_c_1"]) {
      for (const one of await bounded.add(message(id))) givenUp.push(one.id);
    }
    await bounded.close();
    expect(givenUp).toEqual(["msg_b_1", "msg_a_1"]);
    const kept = ["msg_a_2", "msg_b_2", "msg_b_3", "msg_b_4", "msg_c_1"];
    expect(await undelivered()).toEqual(kept);
    expect((await messagesLeft()).map((key) => key.split(":").at(-1)).sort()).toEqual(kept);
    const attempts = startWorker(() => ({ type: "delivered" }));
    await until(async () => (await undelivered()).length === 0);
    expect(attempts.length).toBe(5);
  });

  it("are not sent again if they are given up while they wait for a retry", async () => {
    const attempts = startWorker(({ id }) => ({
      type: id === "msg_d_1" ? "retry" : "delivered",
      delayMs: 500,
    }));
    await queue.add(message("msg_d_1"));
    await until(() => attempts.length === 1);
    await harness.redis.zrem(harness.keys.undelivered("local"), "msg_d_1");
    await until(async () => (await harness.redis.zcard(`${harness.keys.prefix}:webhooks:failed`)) === 1);
    expect(attempts).toEqual(["msg_d_1 0"]);
  });
});

describe("A receiver that does not answer", () => {
  it("has four requests open at once, and delays no message to another receiver", async () => {
    let open = 0;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const redis = connectForWork(harness.server.url);
    const sent: string[] = [];
    const worker = new DeliveryWorker(
      redis,
      harness.keys,
      async ({ id, url }) => {
        sent.push(id);
        if (new URL(url).host !== "silent.example") return { type: "delivered" };
        open += 1;
        await answered;
        return { type: "delivered" };
      },
      () => undefined,
    );
    startedWorkers.push({ worker, redis });
    const silent = Array.from({ length: 192 }, (_, index) => `msg_silent${index}_1`);
    for (const id of silent) await queue.add({ ...message(id), url: "http://silent.example/" });
    worker.start();
    await until(() => open === 4);
    await queue.add({ ...message("msg_same_1"), url: "http://other.example/" });
    await queue.add({ ...message("msg_other_1"), owner: "other" });
    await until(() => sent.includes("msg_same_1") && sent.includes("msg_other_1"));
    expect(open).toBe(4);
    answer();
    await until(() => silent.every((id) => sent.includes(id)), 60_000);
    expect(sent.length).toBe(194);
  });
});
