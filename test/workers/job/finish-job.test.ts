import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { NotFinishableError, NothingPaintedError } from "../../../src/jobs/finish-job.ts";
import { blobKeys } from "../../../src/jobs/records/job-blobs.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { isFinal } from "../../../src/jobs/records/job-states.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import type { JobWorker } from "../../../workers/job-worker.ts";
import type { QueueHarness } from "../../support/harness/queue.ts";
import { submission } from "../../support/jobs.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { FakeEngineHarness } from "./fake-engine-harness.ts";

// Seeds of test/workers/fake-engine.ts, which would run if it were imported.
const [HANG, PAINT] = [3, 4];

const folder = temporaryFolder();
let harness: FakeEngineHarness;
let { queue } = {} as QueueHarness;
let store: ObservedStore;
let worker: JobWorker;
/** Called at the points of a job's life at which a test may interfere. */
let at: (point: string, id: string) => Promise<void> = async () => undefined;

/** The real store, which calls `at` around its operations. */
class ObservedStore extends FilesystemBlobStore {
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
  store = new ObservedStore(join(folder(), "blobs"));
  harness = await FakeEngineHarness.start(folder(), store);
  ({ queue } = harness.queues);
  worker = startObservedWorker();
});
afterEach(() => {
  at = async () => undefined;
});
afterAll(async () => {
  await harness.close();
});

/** Starts a worker that calls `at`. */
function startObservedWorker(): JobWorker {
  return harness.queues.startWorker(async (attempt) => {
    const { id } = attempt.record;
    const painting = processJob(harness.deps, attempt);
    if (attempt.record.options.seed === HANG) {
      await until(async () => (await queue.find(id))?.progress);
      await at("painting", id);
    }
    const outcome = await painting;
    await at("ended", id);
    const { cleanUp } = outcome;
    return {
      ...outcome,
      cleanUp: async (record) => {
        await at("recorded", id);
        await cleanUp?.(record);
      },
    };
  });
}

/** The record once the job has ended and the worker has let go of it. */
function ended(id: string): Promise<JobRecord> {
  return until(async () => {
    const record = await queue.find(id);
    return record && isFinal(record.status) && worker.job !== id && record;
  });
}

/** What must hold whoever won the race. */
async function expectOneEnd(record: JobRecord): Promise<void> {
  expect(["succeeded", "canceled"]).toContain(record.status);
  expect([record.error, record.attempt_id, record.checkpoint]).toEqual([null, null, null]);
  expect(record.result !== null).toBe(record.status === "succeeded");
  const stored: string[] = [];
  for await (const { key } of store.list(`jobs/${record.id}/`)) stored.push(key);
  const named = new Set(blobKeys(record));
  expect(stored.filter((key) => !named.has(key))).toEqual([]);
  if (record.result) expect(stored).toContain(record.result.key);
}

/** Events of a job in the outbox, where they wait for webhook delivery. */
async function eventsOf(id: string): Promise<string[]> {
  const { redis, keys } = harness.queues;
  const entries = (await redis.lrange(keys.outbox, 0, -1)).map((entry) => JSON.parse(entry));
  return entries.filter(({ fields }) => fields.includes(JSON.stringify(id))).map(({ event }) => event);
}

describe("A job that is to finish", () => {
  const END_EVENTS = ["job.succeeded", "job.failed", "job.canceled"] as const;
  const webhook = { url: "https://example.com/", events: [...END_EVENTS] };

  /** Starts a job that hangs after its first step, and calls `act` then. */
  async function whilePainting(act: (id: string) => Promise<unknown>): Promise<JobRecord> {
    let isDone = false;
    at = async (where, id) => {
      if (where !== "painting" || isDone) return;
      isDone = true;
      await act(id);
    };
    return await ended((await harness.submit(HANG, { webhook })).id);
  }

  it("succeeds with what it has, and tells it once, however often it is asked", async () => {
    const record = await whilePainting((id) => Promise.all([1, 2, 3].map(() => queue.finish(id))));
    expect(record).toMatchObject({
      status: "succeeded",
      finished_early: true,
      progress: { step: 1, total_steps: 10 },
    });
    await expectOneEnd(record);
    expect(await eventsOf(record.id)).toEqual(["job.succeeded"]);
    expect(await queue.finish(record.id)).toEqual(record);
  });

  it("ends once if it is canceled at the same time", async () => {
    for (const first of ["finish", "cancel"] as const) {
      const second = first === "finish" ? "cancel" : "finish";
      const record = await whilePainting((id) =>
        Promise.all([queue[first](id), queue[second](id)].map((request) => request.catch(() => null))),
      );
      expect(record.finished_early).toBe(record.status === "succeeded" ? true : null);
      await expectOneEnd(record);
      expect(await eventsOf(record.id)).toEqual([`job.${record.status}`]);
    }
  });

  it("finishes on the next engine if its engine is killed", async () => {
    const record = await whilePainting(async (id) => {
      harness.deps.engine.kill();
      await queue.finish(id);
    });
    expect(record).toMatchObject({ status: "succeeded", finished_early: true, attempts: 2 });
    await expectOneEnd(record);
    expect(await eventsOf(record.id)).toEqual(["job.succeeded"]);
  });

  it("finishes on the next worker, from its checkpoint, if its worker stops first", async () => {
    const { id } = await harness.submit(HANG, { webhook });
    await until(async () => (await queue.find(id))?.progress);
    await worker.close(5_000);
    const returned = await until(async () => {
      const record = await queue.find(id);
      return record?.status === "queued" && record;
    });
    expect(returned.checkpoint).not.toBeNull();
    expect(await queue.finish(id)).toMatchObject({ status: "queued", finish_requested: true });
    worker = harness.queues.startWorker((attempt) => processJob(harness.deps, attempt));
    const record = await ended(id);
    expect(record).toMatchObject({ status: "succeeded", finished_early: true });
    await expectOneEnd(record);
    expect(await eventsOf(id)).toEqual(["job.succeeded"]);
    await worker.close(5_000);
    worker = startObservedWorker();
  });

  it("is not finished before its first step, nor after another end", async () => {
    const { id } = await queue.submit(submission());
    await expect(queue.finish(id)).rejects.toThrow(NothingPaintedError);
    await queue.cancel(id);
    await expect(queue.finish(id)).rejects.toThrow(NotFinishableError);
    const done = await ended((await harness.submit(PAINT)).id);
    await expect(queue.finish(done.id)).rejects.toThrow(NotFinishableError);
    expect(done.finished_early).toBe(false);
  });
});
