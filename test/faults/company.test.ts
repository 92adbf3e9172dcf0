import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { RequestOptions } from "../../src/contract/options.ts";
import type { JobRecord } from "../../src/queue/records/job-record.ts";
import { MAXIMUM_ATTEMPTS } from "../../src/queue/worker/attempt.ts";
import { expectNothingLeftOver } from "../support/outcome.ts";
import { pixelsOf } from "../support/pixels.ts";
import { childrenOf } from "../support/processes.ts";
import type { ProgramProcess } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

/** Four pictures that differ; long enough to be struck, with a checkpoint each second. */
const SMALL: RequestOptions = { size: 128, steps: 100, scales: 2, optimizer: "lbfgs" };
const STYLE_WEIGHTS = [10, 20, 40, 80];

let setting: WorkerSetting;
/** The pixels of the same jobs, each painted by itself. */
let alone: string[];

beforeAll(async () => {
  setting = await WorkerSetting.create();
  const worker = await setting.startWorker({ ENGINE_JOBS_AT_ONCE: "1" });
  const records = await Promise.all((await submitFour()).map((id) => setting.untilEnded(id)));
  alone = await Promise.all(records.map((record) => pixelsOf(setting, record)));
  expect(new Set(alone).size).toBe(4);
  expect(records.some((one) => records.some((other) => one !== other && overlap(one, other)))).toBe(false);
  await worker.end();
});
afterEach(() => setting.stopPrograms());
afterAll(() => setting.close());

async function submitFour(options: RequestOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for (const style_weight of STYLE_WEIGHTS) {
    ids.push((await setting.submit({ ...SMALL, style_weight, ...options })).id);
  }
  return ids;
}

const each = (ids: string[], fits: (record: JobRecord) => boolean) =>
  Promise.all(ids.map((id) => setting.until(id, fits)));
const ended = (ids: string[]) => Promise.all(ids.map((id) => setting.untilEnded(id)));
const checkpointed = ({ checkpoint }: JobRecord) => checkpoint !== null;
const overlap = (one: JobRecord, other: JobRecord) =>
  (one.started_at ?? "") < (other.finished_at ?? "") && (other.started_at ?? "") < (one.finished_at ?? "");

async function killEngine(worker: ProgramProcess): Promise<void> {
  const [engine] = await childrenOf(worker.pid);
  process.kill(engine ?? 0, "SIGKILL");
}

/** Each once, and as if it had been alone. */
async function expectAsAlone(records: JobRecord[], attempts: number): Promise<void> {
  for (const [index, record] of records.entries()) {
    expect(record).toMatchObject({ status: "succeeded", error: null, attempts, progress: { step: 100 } });
    expect(await pixelsOf(setting, record)).toBe(alone[index]);
    await expectNothingLeftOver(setting, record);
    const ends = setting.programs.flatMap(({ lines }) =>
      lines.filter(({ msg, job_id }) => msg === "job succeeded" && job_id === record.id),
    );
    expect(ends).toHaveLength(1);
  }
}

describe("Four small jobs at once", () => {
  it("are painted at the same time, each as if it were alone, and the worker says so", async () => {
    const worker = await setting.startWorker();
    const ids = await submitFour();
    await each(ids, ({ progress }) => (progress?.step ?? 0) > 0);
    const said = async () => (await setting.queue.workers()).find(({ pid }) => pid === worker.pid);
    await until(async () => (await said())?.jobs?.length === 4);
    expect(await said()).toMatchObject({ job: ids[0], jobs: ids, company: { largest_size: 128 } });
    const records = await ended(ids);
    for (const one of records) for (const other of records) expect(overlap(one, other)).toBe(true);
    await expectAsAlone(records, 1);
  });

  it("do not join a large one", async () => {
    await setting.startWorker();
    const small = await setting.submit(SMALL);
    const large = await setting.submit({ ...SMALL, size: 256, steps: 40 });
    const later = await setting.submit(SMALL);
    const [first, second, third] = await ended([small.id, large.id, later.id]);
    expect(second).toMatchObject({ status: "succeeded" });
    expect(overlap(first as JobRecord, second as JobRecord)).toBe(false);
    expect(overlap(second as JobRecord, third as JobRecord)).toBe(false);
  });

  it("go on without one that is canceled", async () => {
    await setting.startWorker();
    const ids = await submitFour();
    await each(ids, ({ progress }) => (progress?.step ?? 0) > 10);
    await setting.queue.cancel(ids[2] ?? "");
    const records = await ended(ids);
    expect(records[2]).toMatchObject({ status: "canceled", result: null });
    for (const index of [0, 1, 3]) {
      expect(records[index]).toMatchObject({ status: "succeeded", attempts: 1 });
      expect(await pixelsOf(setting, records[index] as JobRecord)).toBe(alone[index]);
    }
  });
});

describe("When the engine is killed while it paints four", () => {
  it("all go on from their checkpoints to the same pictures", async () => {
    const worker = await setting.startWorker();
    const ids = await submitFour();
    const struck = await each(ids, checkpointed);
    expect(struck.every(({ status }) => status === "running")).toBe(true);
    await killEngine(worker);
    const records = await ended(ids);
    await expectAsAlone(records, 2);
    for (const id of ids) {
      const starts = worker.lines.filter(({ msg, job_id }) => msg === "job started" && job_id === id);
      expect(starts.map(({ from_step }) => Number(from_step) > 0)).toEqual([false, true]);
    }
  });

  it("each time by the same one, that one fails, and the others give the same pictures", async () => {
    const worker = await setting.startWorker();
    const ids = await submitFour();
    const [poisonous = ""] = ids.splice(1, 1);
    await each([...ids, poisonous], ({ progress }) => (progress?.step ?? 0) > 0);
    for (let attempt = 1; attempt <= MAXIMUM_ATTEMPTS; attempt += 1) {
      const { progress } = await setting.until(
        poisonous,
        ({ status, attempts }) => status === "running" && attempts === attempt,
      );
      await setting.until(poisonous, (record) => record.progress?.step !== progress?.step);
      await killEngine(worker);
    }
    const record = await setting.untilEnded(poisonous);
    expect(record).toMatchObject({ status: "failed", attempts: 3, error: { code: "engine_crashed" } });
    await expectNothingLeftOver(setting, record);
    const records = await ended(ids);
    expect(records.map(({ status, attempts }) => [status, attempts])).toEqual(
      ids.map(() => ["succeeded", 2]),
    );
    const pixels = await Promise.all(records.map((one) => pixelsOf(setting, one)));
    expect(pixels).toEqual(alone.toSpliced(1, 1));
  });
});

describe("When a worker stops while it paints four", () => {
  it("asked to, it hands all back with fresh checkpoints within seconds, and another finishes them", async () => {
    const first = await setting.startWorker({ CHECKPOINT_SECONDS: "3600" });
    const ids = await submitFour();
    await each(ids, ({ progress }) => (progress?.step ?? 0) > 15);
    expect(await first.end("SIGTERM")).toBeLessThan(10_000);
    expect(first.exitCode).toBe(0);
    for (const id of ids) {
      const record = await setting.queue.find(id);
      expect(record).toMatchObject({ status: "queued", attempts: 0, run: null });
      expect(record?.checkpoint?.step).toBeGreaterThanOrEqual((record?.progress?.step ?? 0) - 1);
    }
    await setting.startWorker();
    await expectAsAlone(await ended(ids), 1);
  });

  it("killed, another goes on with all of them", async () => {
    const first = await setting.startWorker({ LOCK_SECONDS: "2" });
    const ids = await submitFour();
    await each(ids, checkpointed);
    await first.end("SIGKILL");
    await setting.startWorker({ LOCK_SECONDS: "2" });
    await expectAsAlone(await ended(ids), 2);
  });
});
