import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { IdempotencyStore, type IdempotentRequest } from "../../src/jobs/idempotency-store.ts";
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

const key = (name: string, owner = "acme") => ({ owner, key: name });

/** Begins a request that is expected to proceed. */
async function proceed(name: string, print: string, job: string, from = store): Promise<IdempotentRequest> {
  const decision = await from.begin(key(name), print, job);
  if (decision.type !== "proceed")
    throw new Error(`expected the request to proceed, received ${decision.type}`);
  return decision.request;
}

describe("An idempotency key", () => {
  it("lets one request at a time proceed, and replays its response to later ones", async () => {
    const request = await proceed("key", "print", "job");
    expect(request.job).toBe("job");
    expect(await store.begin(key("key"), "print", "other")).toEqual({ type: "in_flight" });
    expect(await store.begin(key("key"), "another print", "other")).toEqual({ type: "mismatch" });
    await request.answer("response");
    expect(await store.begin(key("key"), "print", "other")).toEqual({ type: "replay", response: "response" });
    for (const other of [key("another key"), key("key", "another owner")]) {
      const decision = await store.begin(other, "print", "other");
      expect(decision.type).toBe("proceed");
      if (decision.type === "proceed") await decision.request.fail();
    }
  });

  it("is kept for a day from the start, and for a day from the response", async () => {
    const seconds = async () => {
      const names = await harness.redis.keys("*idempotency:*");
      return await harness.redis.ttl(names.find((name) => !name.endsWith(":lock")) ?? "");
    };
    const request = await proceed("key", "print", "job");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
    await request.answer("response");
    expect(DAY_SECONDS - (await seconds())).toBeLessThan(60);
  });

  it("is free again, and leaves nothing behind, if the request had no effect", async () => {
    await (await proceed("key", "print", "job")).reject();
    expect(await store.isKnown(key("key"))).toBe(false);
    expect(await harness.redis.keys("*idempotency*")).toEqual([]);
    const request = await proceed("key", "another print", "other");
    expect(request.job).toBe("other");
    await request.fail();
  });

  it("keeps its job if the effect of the request is unknown", async () => {
    await (await proceed("key", "print", "job")).fail();
    const request = await proceed("key", "print", "other");
    expect(request.job).toBe("job");
    await request.fail();
  });

  it("stays with its request for as long as that takes", async () => {
    const impatient = new IdempotencyStore(harness.redis, harness.keys, 600);
    const request = await proceed("key", "print", "job", impatient);
    const [lock = ""] = await harness.redis.keys("*:lock");
    for (let renewals = 0, left = 600; renewals < 3; ) {
      const now = await harness.redis.pttl(lock);
      if (now > left) renewals += 1;
      left = now;
      expect(left).toBeGreaterThan(0);
      await sleep(10);
    }
    expect(await impatient.begin(key("key"), "print", "other")).toEqual({ type: "in_flight" });
    await request.answer("response");
    expect(await harness.redis.keys("*:lock")).toEqual([]);
  });

  it("belongs to the request that took over, whatever the slow first one does later", async () => {
    for (const end of ["reject", "fail"] as const) {
      const slow = await proceed(end, "print", "job");
      await expireLock();
      const second = await proceed(end, "print", "other");
      expect(second.job).toBe("job");
      await slow[end]();
      expect(await store.begin(key(end), "print", "other")).toEqual({ type: "in_flight" });
      await second.answer("response");
      expect(await store.begin(key(end), "print", "other")).toEqual({ type: "replay", response: "response" });
    }
  });

  it("is one of a bounded number of its owner's: the oldest are forgotten", async () => {
    const small = new IdempotencyStore(harness.redis, harness.keys, 60_000, 3);
    for (const name of ["1", "2", "3", "4", "5"])
      await (await proceed(name, "print", "job", small)).answer("r");
    const known = await Promise.all(["1", "2", "3", "4", "5"].map((name) => small.isKnown(key(name))));
    expect(known.filter(Boolean)).toHaveLength(3);
    expect(await small.isKnown(key("5"))).toBe(true);
    expect(await harness.redis.keys("*idempotency:*")).toHaveLength(3);
  });
});
