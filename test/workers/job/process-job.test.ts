import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { blobKeys } from "../../../src/jobs/records/job-blobs.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { isFinal } from "../../../src/jobs/records/job-states.ts";
import { requeueLostJobs } from "../../../src/maintenance/requeue-lost.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { MAXIMUM_ATTEMPTS } from "../../../workers/job/attempt.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import type { JobWorker } from "../../../workers/job-worker.ts";
import type { QueueHarness } from "../../support/harness/queue.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { FakeEngineHarness } from "./fake-engine-harness.ts";

// The seeds of test/workers/fake-engine.ts, which would run if it were imported.
const [ABORT, OUT_OF_MEMORY, HANG, PAINT] = [1, 2, 3, 4];

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
  worker = harness.queues.startWorker(async (attempt) => {
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
});
afterEach(() => {
  at = async () => undefined;
});
afterAll(async () => {
  await harness.close();
});

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

describe("A job whose engine dies", () => {
  it("gets three attempts, each on a new engine", async () => {
    const { id } = await harness.submit(ABORT);
    const error = { code: "engine_crashed", message: expect.stringContaining("SIGABRT") };
    expect(await ended(id)).toMatchObject({ status: "failed", attempts: MAXIMUM_ATTEMPTS, error });
    expect(await ended((await harness.submit(PAINT)).id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("for lack of memory gets no further attempt: it would need the memory again", async () => {
    const { id } = await harness.submit(OUT_OF_MEMORY);
    const error = { code: "out_of_memory" };
    expect(await ended(id)).toMatchObject({ status: "failed", attempts: 1, error });
  });
});

describe("A cancellation that races with the job's completion", () => {
  it.each([
    ["while the inputs are loaded", "reads content", "canceled"],
    ["while it is painted", "painting", "canceled"],
    ["after it is painted, before the result is stored", "before result", "canceled"],
    ["after the result is stored, before the losses are", "after result", "canceled"],
    ["after all is stored, before the record says so", "ended", "canceled"],
    ["after the record says that it has succeeded", "recorded", "succeeded"],
  ] as const)("%s: the job ends once", async (_, point, expected) => {
    let told: JobRecord | null = null;
    at = async (where, id) => {
      if (where === point && told === null) told = await queue.cancel(id);
    };
    const { id } = await harness.submit(point === "painting" ? HANG : PAINT);
    const record = await ended(id);
    expect(record.status).toBe(expected);
    expect(told).toMatchObject({ status: expected });
    await expectOneEnd(record);
    expect(await queue.cancel(id)).toEqual(record);
  });

  it("before it is taken, or after it has ended: the job ends once", async () => {
    let others: JobRecord | null = null;
    at = async (where) => {
      if (where === "reads content" && others === null) {
        others = await harness.submit(PAINT);
        await queue.cancel(others.id);
      }
    };
    const first = await harness.submit(PAINT);
    const record = await ended(first.id);
    expect(await queue.cancel(first.id)).toEqual(record);
    expect(record.status).toBe("succeeded");
    const never = await ended((others as JobRecord | null)?.id ?? "");
    expect(never).toMatchObject({ status: "canceled", attempts: 0 });
    await expectOneEnd(never);
  });

  it("with a retry right after it: the job is painted once", async () => {
    let isDone = false;
    at = async (where, id) => {
      if (where !== "after result" || isDone) return;
      isDone = true;
      await queue.cancel(id);
      await queue.retry(id);
    };
    const { id } = await harness.submit(PAINT);
    let record = await ended(id);
    // Where the retry came too late to be seen by the attempt that ended, the sweep tells BullMQ of it.
    while (record.status !== "succeeded") {
      await requeueLostJobs(queue);
      record = await ended(id);
    }
    await expectOneEnd(record);
  });

  it("at a random moment: the job ends once, in the state that the canceling client was told", async () => {
    const told = new Map<string, JobRecord | null>();
    for (let index = 0; index < 25; index += 1) {
      const { id } = await harness.submit(PAINT);
      await sleep(Math.random() * 60); // the moment itself is tested here
      told.set(id, await queue.cancel(id));
    }
    for (const [id, answer] of told) {
      const record = await ended(id);
      expect(answer?.status).toBe(record.status);
      await expectOneEnd(record);
    }
  });
});
