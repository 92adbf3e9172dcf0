import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { RequestOptions } from "../../src/contract/options.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { positionOf } from "../support/jobs.ts";
import { expectNothingLeftOver } from "../support/outcome.ts";
import { pixelsOf } from "../support/pixels.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

let setting: WorkerSetting;
/** The pixels of the same job that nothing befell. */
let undisturbed: string;

/** Long enough to be struck several times, with a checkpoint each second. */
const LONG: RequestOptions = { size: 128, steps: 150, scales: 2, optimizer: "lbfgs", preview_interval: 20 };

beforeAll(async () => {
  setting = await WorkerSetting.create();
  const worker = await setting.startWorker();
  const { id } = await setting.submit(LONG);
  const record = await setting.untilEnded(id);
  undisturbed = await pixelsOf(setting, record);
  await worker.end();
});
afterEach(() => setting.stopPrograms());
afterAll(() => setting.close());

async function expectUndisturbed(record: JobRecord): Promise<void> {
  expect(record).toMatchObject({ status: "succeeded", error: null, progress: { step: 150 } });
  expect(await pixelsOf(setting, record)).toBe(undisturbed);
  await expectNothingLeftOver(setting, record);
}

const checkpointed = ({ checkpoint }: JobRecord) => checkpoint !== null;

describe("When the engine is killed in the middle of a job", () => {
  it("the job goes on from its checkpoint to the same picture", async () => {
    const worker = await setting.startWorker();
    const { id } = await setting.submit(LONG);
    const struck = await setting.until(id, checkpointed);
    const [engine] = await childrenOf(worker.pid);
    process.kill(engine ?? 0, "SIGKILL");
    const resumed = await setting.until(id, ({ attempts }) => attempts === 2);
    expect(resumed.checkpoint?.step).toBeGreaterThanOrEqual(struck.checkpoint?.step ?? 0);
    const record = await setting.untilEnded(id);
    expect(record.attempts).toBe(2);
    const starts = worker.lines.filter(({ msg, job_id }) => msg === "job started" && job_id === id);
    expect(starts[1]?.from_step).toBe(resumed.checkpoint?.step);
    expect((await setting.queue.statistics.counters())("engine_crashed")).toBe(1);
    await expectUndisturbed(record);
  });

  it("each time, it fails after three attempts, and the next job is unaffected", async () => {
    const worker = await setting.startWorker();
    const { id } = await setting.submit({ ...LONG, steps: 20_000 });
    const next = await setting.submit();
    for (const attempt of [1, 2, 3]) {
      const started = await setting.until(id, ({ attempts }) => attempts === attempt);
      await setting.until(id, ({ progress }) => progress?.step !== started.progress?.step);
      const [engine] = await childrenOf(worker.pid);
      process.kill(engine ?? 0, "SIGKILL");
    }
    const record = await setting.untilEnded(id);
    expect(record).toMatchObject({ status: "failed", attempts: 3, error: { code: "engine_crashed" } });
    await expectNothingLeftOver(setting, record);
    expect(await setting.untilEnded(next.id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });
});

describe("When a checkpoint is damaged", () => {
  it("the job begins anew, says so in the log, and gives the same picture", async () => {
    const first = await setting.startWorker();
    const { id } = await setting.submit(LONG);
    await setting.until(id, checkpointed);
    await first.end("SIGTERM");
    const { checkpoint } = (await setting.queue.find(id)) as JobRecord;
    const bytes = await setting.store.read(checkpoint?.key ?? "");
    await setting.store.put(
      checkpoint?.key ?? "",
      bytes.map((byte, index) => byte ^ Number(index % 5_000 === 4_999)),
    );
    const second = await setting.startWorker();
    const record = await setting.untilEnded(id);
    expect(second.lines.map(({ msg }) => msg).join()).toContain(
      "restarting the painting from the beginning: the checkpoint of",
    );
    await expectUndisturbed(record);
    const losses = Buffer.from(await setting.store.read(record.losses ?? ""))
      .toString()
      .trim()
      .split("\n");
    expect(losses).toHaveLength(LONG.steps ?? 0);
  });
});

describe("When a worker is killed", () => {
  it("its engine ends with it, and another worker goes on to the same picture", async () => {
    const workers = [
      await setting.startWorker({ LOCK_SECONDS: "2" }),
      await setting.startWorker({ LOCK_SECONDS: "2" }),
    ];
    const { id } = await setting.submit(LONG);
    const { worker } = await setting.until(id, checkpointed);
    const [first, second] = workers.toSorted((one) => (worker?.includes(`-${one.pid}-`) ? -1 : 1));
    const engines = await childrenOf(first?.pid ?? 0);
    expect(engines).toHaveLength(1);
    await first?.end("SIGKILL");
    const record = await setting.untilEnded(id);
    expect(record.attempts).toBe(2);
    expect(record.worker).toContain(`-${second?.pid}-`);
    await expectUndisturbed(record);
    expect(await Promise.all(engines.map(isAlive))).toEqual([false]);
  });

  it("at each attempt, the job fails and says so", async () => {
    const { id } = await setting.submit({ ...LONG, steps: 20_000 });
    for (const attempt of [1, 2, 3]) {
      const worker = await setting.startWorker({ LOCK_SECONDS: "1" });
      await setting.until(id, ({ attempts }) => attempts === attempt);
      await worker.end("SIGKILL");
    }
    await setting.startWorker({ LOCK_SECONDS: "1" });
    const record = await setting.untilEnded(id);
    expect(record).toMatchObject({ status: "failed", attempts: 3, error: { code: "engine_crashed" } });
  });
});

describe("When a worker is asked to stop", () => {
  it("it hands its job back with a fresh checkpoint within seconds, and no attempt is lost", async () => {
    const first = await setting.startWorker();
    const { id } = await setting.submit(LONG);
    await setting.until(id, ({ progress }) => (progress?.step ?? 0) > 20);
    const engines = await childrenOf(first.pid);
    const ms = await first.end("SIGTERM");
    expect(ms).toBeLessThan(5_000);
    expect(first.exitCode).toBe(0);
    expect(await Promise.all(engines.map(isAlive))).toEqual([false]);
    const handedBack = await setting.queue.find(id);
    expect(handedBack).toMatchObject({ status: "queued", attempts: 0, run: null });
    expect(handedBack?.checkpoint?.step).toBeGreaterThanOrEqual((handedBack?.progress?.step ?? 0) - 1);
    expect(await positionOf(setting.queue, id)).toBe(0);
    await setting.startWorker();
    const record = await setting.untilEnded(id);
    expect(record.attempts).toBe(1);
    await expectUndisturbed(record);
  });

  it("its last checkpoint is made in time, also where L-BFGS remembers tens of megabytes", async () => {
    const worker = await setting.startWorker({ CHECKPOINT_SECONDS: "3600" });
    const { id } = await setting.submit({ ...LONG, size: 512, scales: 1 });
    await setting.until(id, ({ progress }) => (progress?.step ?? 0) > 12);
    expect(await worker.end("SIGTERM")).toBeLessThan(10_000);
    const record = await setting.queue.find(id);
    expect(record).toMatchObject({ status: "queued", attempts: 0 });
    expect(record?.checkpoint?.step).toBeGreaterThanOrEqual((record?.progress?.step ?? 0) - 1);
    const blob = await setting.store.stat(record?.checkpoint?.key ?? "");
    expect(blob?.size).toBeGreaterThan(30_000_000);
    await setting.queue.cancel(id);
  });

  it("it ends at once when it has no job, and when Redis is away", async () => {
    const idle = await setting.startWorker();
    expect(await idle.end("SIGTERM")).toBeLessThan(3_000);
    const cut = await setting.startWorker();
    await setting.redis.kill();
    try {
      expect(await cut.end("SIGTERM")).toBeLessThan(13_000);
    } finally {
      await setting.redis.start();
    }
    expect([idle.exitCode, cut.exitCode]).toEqual([0, 0]);
  });
});

describe("When a whole worker stands still for longer than its lock lasts", () => {
  it("another goes on, and the first one's work does not show when it wakes", async () => {
    const first = await setting.startWorker({ LOCK_SECONDS: "2" });
    const { id } = await setting.submit(LONG);
    await setting.until(id, checkpointed);
    const frozen = [first.pid, ...(await childrenOf(first.pid))];
    for (const pid of frozen) process.kill(pid, "SIGSTOP");
    const second = await setting.startWorker({ LOCK_SECONDS: "2" });
    await setting.until(id, ({ attempts }) => attempts === 2);
    for (const pid of frozen) process.kill(pid, "SIGCONT");
    const record = await setting.untilEnded(id);
    expect(record.worker).toContain(`-${second.pid}-`);
    await first.line(({ msg, job_id }) => msg === "job stopped" && job_id === id);
    await sleep(300);
    await expectUndisturbed(record);
    const next = await setting.submit();
    expect(await setting.untilEnded(next.id)).toMatchObject({ status: "succeeded" });
  });
});
