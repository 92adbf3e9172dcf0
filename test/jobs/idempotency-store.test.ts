import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { IdempotencyStore } from "../../src/jobs/idempotency-store.ts";
import { QueueHarness } from "../support/harness/queue.ts";

const DAY_SECONDS = 24 * 3600;
let harness: QueueHarness;
let store: IdempotencyStore;

beforeAll(async () => {
  harness = await QueueHarness.start();
  store = new IdempotencyStore(harness.redis, harness.keys);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

/** Simulates a request that takes longer than its lock lasts. */
async function expireLock(): Promise<void> {
  const [lock = ""] = await harness.redis.keys("*:lock");
  expect(await harness.redis.del(lock)).toBe(1);
}

describe("An idempotency key", () => {
  it("lets one request at a time proceed, and replays its response to later ones", async () => {
    expect(await store.begin("key", "print", "job")).toEqual({ type: "proceed", job: "job" });
    expect(await store.begin("key", "print", "other")).toEqual({ type: "in_flight" });
    expect(await store.begin("key", "another print", "other")).toEqual({ type: "mismatch" });
    await store.finish("key", "print", "job", "response");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "replay", response: "response" });
    expect(await store.begin("another key", "print", "other")).toEqual({ type: "proceed", job: "other" });
  });

  it("is kept for a day from the start, and for a day from the response", async () => {
    const seconds = async () => {
      const [name = ""] = (await harness.redis.keys("*idempotency*")).filter((key) => !key.endsWith(":lock"));
      return await harness.redis.ttl(name);
    };
    await store.begin("key", "print", "job");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
    await store.finish("key", "print", "job", "response");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
  });

  it("is free again if the request had no effect", async () => {
    await store.begin("key", "print", "job");
    await store.abandon("key");
    expect(await store.isKnown("key")).toBe(false);
    expect(await store.begin("key", "another print", "other")).toEqual({ type: "proceed", job: "other" });
  });

  it("keeps its job if the effect of the request is unknown", async () => {
    await store.begin("key", "print", "job");
    await store.release("key");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "proceed", job: "job" });
  });

  it("keeps the response of a request that took over, if the slow first one gives up later", async () => {
    await store.begin("key", "print", "job");
    await expireLock();
    expect(await store.begin("key", "print", "other")).toEqual({ type: "proceed", job: "job" });
    await store.finish("key", "print", "job", "response");
    await store.abandon("key");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "replay", response: "response" });
  });
});
