import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { pino } from "pino";
import { v7 } from "uuid";
import { expireJobs } from "../../src/housekeeping/expiry.ts";
import { Housekeeper } from "../../src/housekeeping/housekeeper.ts";
import { failJobsWithoutPictures } from "../../src/housekeeping/missing-pictures.ts";
import { deleteOrphans } from "../../src/housekeeping/orphans.ts";
import { SteadyClock } from "../../src/housekeeping/steady-clock.ts";
import { sweepSpool } from "../../src/housekeeping/temporary-folders.ts";
import type { JobRecord } from "../../src/queue/records/job-record.ts";
import { REMEMBER_EXPIRED_MS } from "../../src/queue/upkeep.ts";
import type { BlobInfo, BlobStore } from "../../src/storage/blob-store.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import { positionOf, submission } from "../support/jobs.ts";
import { QueueSetting } from "../support/queue-setting.ts";
import { connected } from "../support/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const KEEP_SECONDS = 1_000;
const HOUR = 3600_000;
const folder = temporaryFolder();
let setting: QueueSetting;
let { redis, queue, records } = {} as QueueSetting;
let store: FilesystemBlobStore;

beforeAll(async () => {
  setting = await QueueSetting.start(KEEP_SECONDS);
  ({ redis, queue, records } = setting);
});
afterAll(() => setting.close());
beforeEach(async () => {
  await setting.clear();
  store = new FilesystemBlobStore(join(folder(), v7()));
});

async function stored(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list("")) found.push(key);
  return found;
}

/** Stores a blob as if that had been done so long ago. */
async function put(key: string, ageMs = 0): Promise<void> {
  await store.put(key, Buffer.from("x"));
  const then = new Date(Date.now() - ageMs);
  await utimes(join(store.root, key), then, then);
}

async function submitted(more: Parameters<typeof submission>[0] = {}): Promise<JobRecord> {
  const record = await queue.submit(submission(more));
  for (const key of [record.content, ...record.styles]) await put(key, 2 * HOUR);
  return record;
}

async function succeeded(): Promise<JobRecord> {
  const { id } = await submitted();
  await records.transition(id, "start", { run: "r", attempts: 1 });
  const key = `jobs/${id}/r/result`;
  await put(key, 2 * HOUR);
  const result = { key, media_type: "image/png", bytes: 1, width: 1, height: 1 };
  await records.transition(id, "succeed", { result }, { run: "r" });
  return (await queue.find(id)) as JobRecord;
}

describe("A job that has ended", () => {
  it("expires the set time after its end: first its pictures, a day later all of it", async () => {
    const { id, expires_at } = await succeeded();
    const end = Date.parse(expires_at ?? "");
    expect(Math.abs(end - Date.now() - KEEP_SECONDS * 1000)).toBeLessThan(5_000);
    expect(await expireJobs(queue, store, end - 1)).toEqual({ expired: 0, forgotten: 0 });
    expect(await stored()).toHaveLength(3);

    expect(await expireJobs(queue, store, end)).toEqual({ expired: 1, forgotten: 0 });
    expect(await stored()).toEqual([]);
    expect(await queue.find(id)).toMatchObject({ status: "succeeded", result: null });
    expect(await expireJobs(queue, store, end + 1)).toEqual({ expired: 0, forgotten: 0 });

    expect(await expireJobs(queue, store, end + REMEMBER_EXPIRED_MS)).toEqual({ expired: 0, forgotten: 1 });
    expect(await queue.find(id)).toBeNull();
    expect((await redis.keys("*")).filter((key) => !/:dispatch:|:(arrivals|queued-work)$/.test(key))).toEqual(
      [],
    );
  });

  it("expires when its owner said, also where it has not even begun", async () => {
    const { id, expires_at } = await submitted({ expires_in: 60 });
    expect(await expireJobs(queue, store, Date.now() + 61_000)).toEqual({ expired: 1, forgotten: 0 });
    expect(await queue.find(id)).toMatchObject({ status: "canceled", expires_at });
    expect(await positionOf(queue, id)).toBeNull();
    expect(await stored()).toEqual([]);
  });

  it("does not expire while it runs again", async () => {
    const { id } = await submitted();
    const end = Date.parse((await queue.cancel(id))?.expires_at ?? "");
    expect(await queue.retry(id)).toMatchObject({ status: "queued", expires_at: null });
    expect(await expireJobs(queue, store, end)).toEqual({ expired: 0, forgotten: 0 });
    expect(await stored()).toHaveLength(2);
  });
});

describe("A job that is retried while it is about to expire", () => {
  it("keeps its pictures and is painted", async () => {
    const { id } = await submitted();
    const end = Date.parse((await queue.cancel(id))?.expires_at ?? "");
    expect((await queue.upkeep.due(end)).expired.map((record) => record.id)).toEqual([id]);
    // Here the sweep has looked the job up, and has not yet come to it.
    await queue.retry(id);
    expect(await queue.upkeep.expire(id, end)).toBe(false);
    expect(await queue.find(id)).toMatchObject({ status: "queued", expires_at: null });
    expect(await stored()).toHaveLength(2);
  });

  it("stays as it is where the sweep was first", async () => {
    const { id } = await submitted({ expires_in: -1 });
    await expireJobs(queue, store);
    expect(await queue.retry(id)).toMatchObject({ status: "canceled" });
  });

  it("stays as it is where the sweep comes between the look at it and its retry", async () => {
    const { id } = await submitted({ expires_in: 0.5 });
    await queue.cancel(id);
    // Redis is asked for its time after the look.
    const time = jest.spyOn(redis, "time").mockImplementationOnce(async () => {
      const asked = await redis.time();
      await until(async () => (await expireJobs(queue, store)).expired === 1);
      return asked;
    });
    expect(await queue.retry(id)).toMatchObject({ status: "canceled" });
    expect(time).toHaveBeenCalled();
    expect(await stored()).toEqual([]);
  });
});

describe("Clocks", () => {
  it("of processes do not decide when a job expires, Redis' does", async () => {
    const { id, expires_at } = await succeeded();
    const setForward = jest.spyOn(Date, "now").mockReturnValue(Date.parse(expires_at ?? "") + 30 * 24 * HOUR);
    try {
      expect(await expireJobs(queue, store)).toEqual({ expired: 0, forgotten: 0 });
      expect(await deleteOrphans(queue, store, { uploadMs: 0, leftoverMs: 0 })).toBe(0);
      const another = await queue.submit(submission());
      const end = Date.parse((await queue.cancel(another.id))?.expires_at ?? "");
      expect(Math.abs(end - (await queue.upkeep.now()) - KEEP_SECONDS * 1000)).toBeLessThan(5_000);
    } finally {
      setForward.mockRestore();
    }
    expect(await queue.find(id)).toMatchObject({ status: "succeeded", result: { width: 1 } });
  });

  it("that are set forward make no blob old", async () => {
    const clock = new SteadyClock();
    await put(`jobs/${v7()}/content`);
    const setForward = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 365 * 24 * HOUR);
    try {
      const ages = { uploadMs: HOUR, leftoverMs: HOUR };
      expect(await deleteOrphans(queue, store, { ...ages, now: () => clock.now() })).toBe(0);
    } finally {
      setForward.mockRestore();
    }
  });
});

describe("A submission on its way", () => {
  const ages = { uploadMs: 24 * HOUR, leftoverMs: HOUR };
  const DAYS = 3 * 24 * HOUR;

  it("keeps its pictures where the process' clock is days ahead", async () => {
    await put(`jobs/${v7()}/content`);
    expect(await deleteOrphans(queue, store, { ...ages, now: () => Date.now() + DAYS })).toBe(0);
    expect(await stored()).toHaveLength(1);
  });

  it("keeps its pictures where the store's clock is days behind", async () => {
    await put(`jobs/${v7()}/content`);
    const late = <T extends BlobInfo | null>(info: T): T =>
      info && { ...info, modifiedAt: new Date(info.modifiedAt.getTime() - DAYS) };
    const behind: BlobStore = Object.assign(Object.create(store) as BlobStore, {
      stat: async (key: string) => late(await store.stat(key)),
      async *list(prefix: string) {
        for await (const info of store.list(prefix)) yield late(info);
      },
    });
    expect(await deleteOrphans(queue, behind, ages)).toBe(0);
    expect(await stored()).toHaveLength(1);
  });
});

describe("The sweep of leftovers", () => {
  it("fails jobs whose pictures are gone, so that nobody waits for them, and leaves the others", async () => {
    const whole = await submitted();
    const robbed = await submitted();
    await store.delete(robbed.styles[0] ?? "");
    expect(await failJobsWithoutPictures(queue, store)).toBe(1);
    expect(await queue.find(robbed.id)).toMatchObject({
      status: "failed",
      error: { code: "picture_missing" },
    });
    expect(await queue.find(whole.id)).toMatchObject({ status: "queued" });
  });

  it("concludes nothing from a store that is empty: its disk is not mounted", async () => {
    const { id } = await queue.submit(submission());
    expect(await failJobsWithoutPictures(queue, store)).toBe(0);
    expect(await queue.find(id)).toMatchObject({ status: "queued" });
  });

  it("removes scratch folders of attempts that run no more, and uploads that a crash cut off", async () => {
    const { id } = await submitted();
    await records.transition(id, "start", { run: "r", attempts: 1 });
    const [scratch, spool] = [join(folder(), "scratch"), join(folder(), "spool")];
    for (const name of [`${id}.r`, `${id}.dead`, `${v7()}.dead`]) {
      await mkdir(join(scratch, name), { recursive: true });
      await writeFile(join(scratch, name, "checkpoint"), "x");
    }
    for (const name of ["request-old", "request-new"]) await mkdir(join(spool, name), { recursive: true });
    const then = new Date(Date.now() - 3 * HOUR);
    await utimes(join(spool, "request-old"), then, then);
    const settings = { uploadSeconds: 86_400, spoolDirectory: spool, scratchDirectory: scratch };
    const keepers = [1, 2].map(() => new Housekeeper(queue, store, settings, pino({ level: "silent" })));
    await Promise.all(keepers.map((keeper) => keeper.sweepLeftovers()));
    expect(await readdir(scratch)).toEqual([`${id}.r`]);
    expect(await readdir(spool)).toEqual(["request-new"]);
    expect(await new Housekeeper(queue, store, settings, pino({ level: "silent" })).sweepLeftovers()).toBe(0);
  });

  it("keeps an upload that is on its way, also where the process' clock is far ahead of the disk's", async () => {
    const spool = join(folder(), "spool");
    for (const name of ["request-old", "request-new"]) await mkdir(join(spool, name), { recursive: true });
    const then = new Date(Date.now() - 3 * HOUR);
    await utimes(join(spool, "request-old"), then, then);
    expect(await sweepSpool(spool, 2 * HOUR, () => Date.now() + 30 * 24 * HOUR)).toBe(1);
    expect(await readdir(spool)).toEqual(["request-new"]);
  });
});

describe("The sweep of blobs", () => {
  const ages = { uploadMs: 24 * HOUR, leftoverMs: HOUR };

  it("deletes pictures of a submission that came to nothing, once it is old enough", async () => {
    const old = `jobs/${v7()}/content`;
    const young = `jobs/${v7()}/content`;
    await put(old, 25 * HOUR);
    await put(young, 23 * HOUR);
    expect(await deleteOrphans(queue, store, ages)).toBe(1);
    expect(await stored()).toEqual([young]);
  });

  it("deletes what dead attempts left and keeps all that a job needs", async () => {
    const { id } = await succeeded();
    const needed = [...(await stored()), `jobs/${id}/converted/webp-90`];
    await put(`jobs/${id}/converted/webp-90`, 2 * HOUR);
    await put(`jobs/${id}/dead/checkpoint-0`, 2 * HOUR);
    await put(`jobs/${id}/dead/preview`, 0);
    expect(await deleteOrphans(queue, store, ages)).toBe(1);
    expect(await stored()).toEqual([...needed, `jobs/${id}/dead/preview`].sort());
  });

  it("done by several at once deletes each once and harms nothing", async () => {
    await succeeded();
    const needed = await stored();
    for (let index = 0; index < 20; index++) await put(`jobs/${v7()}/content`, 25 * HOUR);
    await Promise.all([1, 2, 3].map(() => deleteOrphans(queue, store, ages)));
    expect(await stored()).toEqual(needed);
  });

  it("deletes nothing while Redis cannot say what is needed", async () => {
    await put(`jobs/${v7()}/content`, 25 * HOUR);
    await setting.server.kill();
    await expect(deleteOrphans(queue, store, ages)).rejects.toThrow("Redis cannot be reached");
    await setting.server.start();
    await connected(redis);
    expect(await stored()).toHaveLength(1);
  });
});
