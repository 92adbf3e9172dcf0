import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { v7 } from "uuid";
import { type Batch, BatchStore } from "../../src/jobs/batch-store.ts";
import { QueueHarness } from "../support/harness/queue.ts";

const KEEP_SECONDS = 1_000;
let harness: QueueHarness;
let store: BatchStore;

beforeAll(async () => {
  harness = await QueueHarness.start();
  store = new BatchStore(harness.redis, harness.keys, KEEP_SECONDS);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

const batch = (more: Partial<Batch> = {}): Batch => ({
  ...{ id: v7(), owner: "local", metadata: {}, created_at: new Date().toISOString() },
  jobs: [{ id: v7(), content: 0, style: 0 }],
  ...more,
});

describe("BatchStore", () => {
  it("returns the batch that was written first under an id, until it is deleted", async () => {
    const first = await store.create(batch());
    expect(await store.create(batch({ id: first.id }))).toEqual(first);
    expect(await store.find(first.id)).toEqual(first);
    await store.delete(first.id);
    expect(await store.find(first.id)).toBeNull();
  });

  it("keeps a batch longer than its jobs", async () => {
    const { id } = await store.create(batch());
    expect(await harness.redis.ttl(harness.keys.batch(id))).toBeGreaterThan(KEEP_SECONDS + 3600);
  });
});
