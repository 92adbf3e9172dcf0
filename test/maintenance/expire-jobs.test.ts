import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { expireJob, expireJobs, KEEP_EXPIRED_MS } from "../../src/maintenance/expire-jobs.ts";
import { requeueLostJobs } from "../../src/maintenance/requeue-lost.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { positionOf, submission } from "../support/jobs.ts";
import { HOUR, StoredJobs } from "../support/stored-jobs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const KEEP_SECONDS = 1_000;
const folder = temporaryFolder();
let harness: QueueHarness;
let { redis, keys, queue, records } = {} as QueueHarness;
let jobs: StoredJobs;

beforeAll(async () => {
  harness = await QueueHarness.start(KEEP_SECONDS);
  ({ redis, keys, queue, records } = harness);
});
afterAll(() => harness.close());
beforeEach(async () => {
  await harness.clear();
  jobs = new StoredJobs(harness, folder());
});

describe("A job that has ended", () => {
  it("loses its pictures when it expires, and is deleted a day later", async () => {
    const before = await queue.records.now();
    const { id, expires_at } = await jobs.succeeded();
    const end = Date.parse(expires_at ?? "");
    expect(end).toBeGreaterThanOrEqual(before + KEEP_SECONDS * 1000);
    expect(end).toBeLessThanOrEqual((await queue.records.now()) + KEEP_SECONDS * 1000);
    expect(await expireJobs(queue, jobs.store, end - 1)).toEqual({ expired: 0, deleted: 0 });
    expect(await jobs.stored()).toHaveLength(3);

    expect(await expireJobs(queue, jobs.store, end)).toEqual({ expired: 1, deleted: 0 });
    expect(await jobs.stored()).toEqual([]);
    expect(await queue.find(id)).toMatchObject({ status: "succeeded", result: null });
    expect(await expireJobs(queue, jobs.store, end + 1)).toEqual({ expired: 0, deleted: 0 });

    expect(await expireJobs(queue, jobs.store, end + KEEP_EXPIRED_MS)).toEqual({
      expired: 0,
      deleted: 1,
    });
    expect(await queue.find(id)).toBeNull();
    expect((await redis.keys("*")).filter((key) => !/:jobs:|:(arrivals|queued-cost)$/.test(key))).toEqual([]);
  });

  it("expires when its owner said, even before it has started", async () => {
    const { id, expires_at } = await jobs.submitted({ expires_in: 60 });
    expect(await expireJobs(queue, jobs.store, Date.now() + 61_000)).toEqual({ expired: 1, deleted: 0 });
    expect(await queue.find(id)).toMatchObject({ status: "canceled", expires_at });
    expect(await positionOf(queue, id)).toBeNull();
    expect(await jobs.stored()).toEqual([]);
  });

  it("does not expire after a retry", async () => {
    const { id } = await jobs.submitted();
    const end = Date.parse((await queue.cancel(id))?.expires_at ?? "");
    expect(await queue.retry(id)).toMatchObject({ status: "queued", expires_at: null });
    expect(await expireJobs(queue, jobs.store, end)).toEqual({ expired: 0, deleted: 0 });
    expect(await jobs.stored()).toHaveLength(2);
  });
});

describe("A job that is retried while it expires", () => {
  it("keeps its pictures if the retry comes first", async () => {
    const { id } = await jobs.submitted();
    const end = Date.parse((await queue.cancel(id))?.expires_at ?? "");
    expect(await records.due(end, 0, 10)).toEqual([id]);
    // Here maintenance has listed the job, and has not handled it yet.
    await queue.retry(id);
    expect(await expireJob(queue, id, end)).toBe(false);
    expect(await queue.find(id)).toMatchObject({ status: "queued", expires_at: null });
    expect(await jobs.stored()).toHaveLength(2);
  });

  it("is not retried if it has expired", async () => {
    const { id } = await jobs.submitted({ expires_in: -1 });
    await expireJobs(queue, jobs.store);
    expect(await queue.retry(id)).toMatchObject({ status: "canceled" });
  });

  it("is not retried if it expires between the check and the retry", async () => {
    const { id } = await jobs.submitted({ expires_in: 0.5 });
    await queue.cancel(id);
    // The queue reads the record, and then the time of Redis.
    const time = jest.spyOn(redis, "time").mockImplementationOnce(async () => {
      const asked = await redis.time();
      await until(async () => (await expireJobs(queue, jobs.store)).expired === 1);
      return asked;
    });
    expect(await queue.retry(id)).toMatchObject({ status: "canceled" });
    expect(time).toHaveBeenCalled();
    expect(await jobs.stored()).toEqual([]);
  });
});

describe("A record that cannot be read", () => {
  const breakRecord = (id: string) => redis.hset(keys.job(id), "options", "not JSON");

  it("does not keep other jobs from expiring, and goes with its pictures a day after its own expiry", async () => {
    const broken: string[] = [];
    // More than one page of them, and they expire first.
    for (let count = 0; count < 101; count += 1) broken.push((await queue.submit(submission())).id);
    for (const id of broken) {
      await queue.cancel(id);
      await breakRecord(id);
    }
    await jobs.put(`jobs/${broken[0]}/content`);
    const { id, expires_at } = await jobs.succeeded();
    const end = Date.parse(expires_at ?? "");
    expect(await expireJobs(queue, jobs.store, end)).toEqual({ expired: 1, deleted: 0 });
    expect(await queue.find(id)).toMatchObject({ result: null });
    expect(await queue.statistics.unreadable()).toBe(101);
    expect(await jobs.stored()).toEqual([`jobs/${broken[0]}/content`]);
    expect(await expireJobs(queue, jobs.store, end + KEEP_EXPIRED_MS)).toEqual({ expired: 0, deleted: 102 });
    expect(await jobs.stored()).toEqual([]);
    expect(await queue.statistics.unreadable()).toBe(0);
    expect((await redis.keys("*")).filter((key) => !/:jobs:|:(arrivals|queued-cost)$/.test(key))).toEqual([]);
  });

  it("is left out of lists, whose pages stay full, and stops neither polls of other jobs nor the requeueing of lost ones", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push((await queue.submit(submission())).id);
    const [first = "", second = "", broken = "", fourth = "", fifth = ""] = ids;
    await breakRecord(broken);
    const list = async (limit: number) => (await queue.list({ owner: "local", limit })).map(({ id }) => id);
    expect(await list(3)).toEqual([fifth, fourth, second]);
    expect(await list(10)).toEqual([fifth, fourth, second, first]);
    const read = await Promise.allSettled([broken, first].map((id) => queue.getSnapshot(id)));
    expect(read.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    await redis.del(keys.bullmq(broken), keys.bullmq(fifth));
    expect(await requeueLostJobs(queue)).toBe(1);
    expect(await queue.statistics.unreadable()).toBe(1);
    await redis.hset(keys.job(broken), "options", JSON.stringify(submission().options));
    await requeueLostJobs(queue);
    expect(await queue.statistics.unreadable()).toBe(0);
    expect(await list(10)).toEqual([...ids].reverse());
  });
});

describe("A job whose pictures cannot be deleted", () => {
  it("does not keep the others from expiring", async () => {
    const [first, second] = [await jobs.succeeded(), await jobs.succeeded()];
    const remove = jest.spyOn(jobs.store, "delete").mockImplementationOnce(async () => {
      throw new Error("denied");
    });
    const end = Date.parse(second.expires_at ?? "");
    await expect(expireJobs(queue, jobs.store, end)).rejects.toThrow("denied");
    remove.mockRestore();
    expect((await jobs.stored()).filter((key) => key.includes(second.id))).toEqual([]);
    for (const { id } of [first, second]) expect(await queue.find(id)).toMatchObject({ result: null });
  });
});

describe("The clock", () => {
  it("that decides when a job expires is the one of Redis", async () => {
    const { id, expires_at } = await jobs.succeeded();
    const setForward = jest.spyOn(Date, "now").mockReturnValue(Date.parse(expires_at ?? "") + 30 * 24 * HOUR);
    try {
      expect(await expireJobs(queue, jobs.store)).toEqual({ expired: 0, deleted: 0 });
      const another = await queue.submit(submission());
      const end = Date.parse((await queue.cancel(another.id))?.expires_at ?? "");
      expect(end).toBeLessThanOrEqual((await queue.records.now()) + KEEP_SECONDS * 1000);
    } finally {
      setForward.mockRestore();
    }
    expect(await queue.find(id)).toMatchObject({ status: "succeeded", result: { width: 1 } });
  });
});
