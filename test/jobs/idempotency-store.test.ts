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

/** As if a request had taken longer than its lock lasts. */
async function runOutOfTime(): Promise<void> {
  const [lock = ""] = await harness.redis.keys("*:lock");
  expect(await harness.redis.del(lock)).toBe(1);
}

describe("An idempotency key", () => {
  it("lets one request at a time go on, and gives its answer to later ones", async () => {
    expect(await store.begin("key", "print", "job")).toEqual({ type: "proceed", job: "job" });
    expect(await store.begin("key", "print", "other")).toEqual({ type: "in_flight" });
    expect(await store.begin("key", "another print", "other")).toEqual({ type: "mismatch" });
    await store.finish("key", "print", "job", "response");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "replay", response: "response" });
    expect(await store.begin("another key", "print", "other")).toEqual({ type: "proceed", job: "other" });
  });

  it("is kept for a day, from the beginning and from the answer on", async () => {
    const seconds = async () => {
      const [name = ""] = (await harness.redis.keys("*idempotency*")).filter((key) => !key.endsWith(":lock"));
      return await harness.redis.ttl(name);
    };
    await store.begin("key", "print", "job");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
    await store.finish("key", "print", "job", "response");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
  });

  it("is free again where nothing was done", async () => {
    await store.begin("key", "print", "job");
    await store.abandon("key");
    expect(await store.isKnown("key")).toBe(false);
    expect(await store.begin("key", "another print", "other")).toEqual({ type: "proceed", job: "other" });
  });

  it("stands for the same job where it is not known what was done", async () => {
    await store.begin("key", "print", "job");
    await store.release("key");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "proceed", job: "job" });
  });

  it("keeps the answer of the one that went on where the first one, too slow, gives up", async () => {
    await store.begin("key", "print", "job");
    await runOutOfTime();
    expect(await store.begin("key", "print", "other")).toEqual({ type: "proceed", job: "job" });
    await store.finish("key", "print", "job", "response");
    await store.abandon("key");
    expect(await store.begin("key", "print", "other")).toEqual({ type: "replay", response: "response" });
  });
});
