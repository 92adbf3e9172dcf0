import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { blobKeys, type JobRecord } from "../../../src/jobs/records/job-record.ts";
import { isFinal } from "../../../src/jobs/records/job-states.ts";
import { requeueLostJobs } from "../../../src/maintenance/requeue-lost.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { MAXIMUM_ATTEMPTS } from "../../../workers/job/attempt.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import type { JobWorker } from "../../../workers/job-worker.ts";
import type { QueueHarness } from "../../support/harness/queue.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { FakeEngineHarness } from "./fake-engine-harness.ts";

// The seeds of test/workers/fake-engine.ts, which would run if it were imported.
const [ABORT, OUT_OF_MEMORY, HANG, WELL] = [1, 2, 3, 4];

const folder = temporaryFolder();
let setting: FakeEngineHarness;
let { queue } = {} as QueueHarness;
let store: WatchedStore;
let worker: JobWorker;
/** Called at the points of a job's life that a test may strike at. */
let at: (point: string, id: string) => Promise<void> = async () => undefined;

/** The real store, which tells when it is at a job's blobs. */
class WatchedStore extends FilesystemBlobStore {
  override async read(key: string): Promise<Uint8Array> {
    await at(`reads ${key.split("/").at(-1)}`, key.split("/")[1] ?? "");
    return super.read(key);
  }
  override async put(...[key, body]: Parameters<FilesystemBlobStore["put"]>) {
    const [, id = "", , name] = key.split("/");
    await at(`before ${name}`, id);
    const info = await super.put(key, body);
    await at(`after ${name}`, id);
    return info;
  }
}

beforeAll(async () => {
  store = new WatchedStore(join(folder(), "blobs"));
  setting = await FakeEngineHarness.start(folder(), store);
  ({ queue } = setting.queues);
  worker = setting.queues.startWorker(async (run) => {
    const { id } = run.record;
    const painting = processJob(setting.tools, run);
    if (run.record.options.seed === HANG) {
      await sleep(100);
      await at("painting", id);
    }
    const outcome = await painting;
    await at("ended", id);
    const { afterwards } = outcome;
    return {
      ...outcome,
      afterwards: async (record) => {
        await at("recorded", id);
        await afterwards?.(record);
      },
    };
  });
});
afterEach(() => {
  at = async () => undefined;
});
afterAll(async () => {
  await setting.close();
});

const submitted = (seed: number) => setting.submit(seed);

/** The record when nothing happens to the job any more. */
async function settled(id: string): Promise<JobRecord> {
  for (;;) {
    const record = await queue.find(id);
    if (record && isFinal(record.status) && worker.job !== id) return record;
    await sleep(10);
  }
}

/** What must be so however the two raced. */
async function expectOneEnd(record: JobRecord): Promise<void> {
  expect(["succeeded", "canceled"]).toContain(record.status);
  expect([record.error, record.run, record.checkpoint]).toEqual([null, null, null]);
  expect(record.result !== null).toBe(record.status === "succeeded");
  const stored: string[] = [];
  for await (const { key } of store.list(`jobs/${record.id}/`)) stored.push(key);
  const named = new Set(blobKeys(record));
  expect(stored.filter((key) => !named.has(key))).toEqual([]);
  if (record.result) expect(stored).toContain(record.result.key);
}

describe("A job whose engine dies", () => {
  it("is tried three times in all, each time by a new engine", async () => {
    const { id } = await submitted(ABORT);
    const error = { code: "engine_crashed", message: expect.stringContaining("SIGABRT") };
    expect(await settled(id)).toMatchObject({ status: "failed", attempts: MAXIMUM_ATTEMPTS, error });
    expect(await settled((await submitted(WELL)).id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("for want of memory is not tried again: it would not fit a second time either", async () => {
    const { id } = await submitted(OUT_OF_MEMORY);
    const error = { code: "out_of_memory" };
    expect(await settled(id)).toMatchObject({ status: "failed", attempts: 1, error });
  });
});

describe("A cancellation that races the job's completion", () => {
  it.each([
    ["while the pictures are read", "reads content", "canceled"],
    ["while it is painted", "painting", "canceled"],
    ["when it is painted and nothing is stored", "before result", "canceled"],
    ["when its result is stored, and not its losses", "after result", "canceled"],
    ["when all is stored and the record does not say so", "ended", "canceled"],
    ["when the record says that it has succeeded", "recorded", "succeeded"],
  ] as const)("%s: it ends once", async (_, point, expected) => {
    let told: JobRecord | null = null;
    at = async (where, id) => {
      if (where === point && told === null) told = await queue.cancel(id);
    };
    const { id } = await submitted(point === "painting" ? HANG : WELL);
    const record = await settled(id);
    expect(record.status).toBe(expected);
    expect(told).toMatchObject({ status: expected });
    await expectOneEnd(record);
    expect(await queue.cancel(id)).toEqual(record);
  });

  it("before it is taken, and after all is over: it ends once", async () => {
    let others: JobRecord | null = null;
    at = async (where) => {
      if (where === "reads content" && others === null) {
        others = await submitted(WELL);
        await queue.cancel(others.id);
      }
    };
    const first = await submitted(WELL);
    const record = await settled(first.id);
    expect(await queue.cancel(first.id)).toEqual(record);
    expect(record.status).toBe("succeeded");
    const never = await settled((others as JobRecord | null)?.id ?? "");
    expect(never).toMatchObject({ status: "canceled", attempts: 0 });
    await expectOneEnd(never);
  });

  it("and a retry right after it: the job is painted, once", async () => {
    let struck = false;
    at = async (where, id) => {
      if (where !== "after result" || struck) return;
      struck = true;
      await queue.cancel(id);
      await queue.retry(id);
    };
    const { id } = await submitted(WELL);
    let record = await settled(id);
    // Where the retry came too late to be seen by the attempt that ended, the sweep tells BullMQ of it.
    while (record.status !== "succeeded") {
      await requeueLostJobs(queue);
      record = await settled(id);
    }
    await expectOneEnd(record);
  });

  it("at any moment: it ends once, and as the canceling client was told", async () => {
    const told = new Map<string, JobRecord | null>();
    for (let index = 0; index < 25; index += 1) {
      const { id } = await submitted(WELL);
      await sleep(Math.random() * 60);
      told.set(id, await queue.cancel(id));
    }
    for (const [id, answer] of told) {
      const record = await settled(id);
      expect(answer?.status).toBe(record.status);
      await expectOneEnd(record);
    }
  });
});
