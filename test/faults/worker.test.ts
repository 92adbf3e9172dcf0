import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { RequestOptions } from "../../src/contract/options.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { positionOf } from "../support/jobs.ts";
import { expectNothingLeftOver } from "../support/nothing-left-over.ts";
import { childrenOf, isAlive } from "../support/process-tree.ts";

let deployment: TestDeployment;
/** The pixels of the same job without any fault. */
let undisturbed: string;

/** Long enough for several faults, with a checkpoint each second. */
const LONG: RequestOptions = { size: 32, steps: 120, scales: 2, preview_interval: 20 };

beforeAll(async () => {
  deployment = await TestDeployment.create();
  const worker = await deployment.startWorker();
  const { id } = await deployment.submit(LONG);
  const record = await deployment.untilEnded(id);
  undisturbed = await deployment.pixels(record);
  await worker.end();
});
afterEach(() => deployment.stopPrograms());
afterAll(() => deployment.close());

async function expectUndisturbed(record: JobRecord): Promise<void> {
  expect(record).toMatchObject({ status: "succeeded", error: null, progress: { step: LONG.steps } });
  expect(await deployment.pixels(record)).toBe(undisturbed);
  await expectNothingLeftOver(deployment, record);
}

const checkpointed = ({ checkpoint }: JobRecord) => checkpoint !== null;

describe("If the engine is killed during a job", () => {
  it("the job resumes from its checkpoint and gives the same picture", async () => {
    const worker = await deployment.startWorker();
    const { id } = await deployment.submit(LONG);
    const before = await deployment.until(id, checkpointed);
    const [engine] = await childrenOf(worker.pid);
    process.kill(engine ?? 0, "SIGKILL");
    const resumed = await deployment.until(id, ({ attempts }) => attempts === 2);
    expect(resumed.checkpoint?.step).toBeGreaterThanOrEqual(before.checkpoint?.step ?? 0);
    const record = await deployment.untilEnded(id);
    expect(record.attempts).toBe(2);
    const starts = worker.lines.filter(({ msg, job_id }) => msg === "job started" && job_id === id);
    expect(starts[1]?.from_step).toBe(resumed.checkpoint?.step);
    expect((await deployment.queue.statistics.counters())("engine_crashed")).toBe(1);
    await expectUndisturbed(record);
  });

  it("the job fails after three attempts, and the next job is unaffected", async () => {
    const worker = await deployment.startWorker();
    const { id } = await deployment.submit({ ...LONG, steps: 20_000 });
    const next = await deployment.submit();
    for (const attempt of [1, 2, 3]) {
      const started = await deployment.until(id, ({ attempts }) => attempts === attempt);
      await deployment.until(id, ({ progress }) => progress?.step !== started.progress?.step);
      const [engine] = await childrenOf(worker.pid);
      process.kill(engine ?? 0, "SIGKILL");
    }
    const record = await deployment.untilEnded(id);
    expect(record).toMatchObject({ status: "failed", attempts: 3, error: { code: "engine_crashed" } });
    await expectNothingLeftOver(deployment, record);
    expect(await deployment.untilEnded(next.id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });
});

describe("If a checkpoint is damaged", () => {
  it("the job restarts from the beginning, logs why, and gives the same picture", async () => {
    const first = await deployment.startWorker();
    const { id } = await deployment.submit(LONG);
    await deployment.until(id, checkpointed);
    await first.end("SIGTERM");
    const { checkpoint } = (await deployment.queue.find(id)) as JobRecord;
    const bytes = await deployment.store.read(checkpoint?.key ?? "");
    await deployment.store.put(
      checkpoint?.key ?? "",
      bytes.map((byte, index) => byte ^ Number(index % 5_000 === 4_999)),
    );
    const second = await deployment.startWorker();
    const record = await deployment.untilEnded(id);
    expect(second.lines.map(({ msg }) => msg).join()).toContain(
      "restarting the painting from the beginning: the checkpoint of",
    );
    await expectUndisturbed(record);
    const losses = Buffer.from(await deployment.store.read(record.losses ?? ""))
      .toString()
      .trim()
      .split("\n");
    expect(losses).toHaveLength(LONG.steps ?? 0);
  });
});

describe("If a worker is killed", () => {
  it("its engine exits too, and another worker resumes the job to the same picture", async () => {
    const workers = [
      await deployment.startWorker({ LOCK_SECONDS: "2" }),
      await deployment.startWorker({ LOCK_SECONDS: "2" }),
    ];
    const { id } = await deployment.submit(LONG);
    const { worker } = await deployment.until(id, checkpointed);
    const [first, second] = workers.toSorted((one) => (worker?.includes(`-${one.pid}-`) ? -1 : 1));
    const engines = await childrenOf(first?.pid ?? 0);
    expect(engines).toHaveLength(1);
    await first?.end("SIGKILL");
    const record = await deployment.untilEnded(id);
    expect(record.attempts).toBe(2);
    expect(record.worker).toContain(`-${second?.pid}-`);
    await expectUndisturbed(record);
    expect(await Promise.all(engines.map(isAlive))).toEqual([false]);
  });

  it("in each of three attempts, the job fails with engine_crashed", async () => {
    const { id } = await deployment.submit({ ...LONG, steps: 20_000 });
    for (const attempt of [1, 2, 3]) {
      const worker = await deployment.startWorker({ LOCK_SECONDS: "1" });
      await deployment.until(id, ({ attempts }) => attempts === attempt);
      await worker.end("SIGKILL");
    }
    await deployment.startWorker({ LOCK_SECONDS: "1" });
    const record = await deployment.untilEnded(id);
    expect(record).toMatchObject({ status: "failed", attempts: 3, error: { code: "engine_crashed" } });
  });
});

describe("A worker that is asked to stop", () => {
  it("hands its job back with a fresh checkpoint and without using up an attempt", async () => {
    const first = await deployment.startWorker();
    const { id } = await deployment.submit(LONG);
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 20);
    const engines = await childrenOf(first.pid);
    expect(await first.end("SIGTERM")).toBe(0);
    expect(await Promise.all(engines.map(isAlive))).toEqual([false]);
    const handedBack = await deployment.queue.find(id);
    expect(handedBack).toMatchObject({ status: "queued", attempts: 0, attempt_id: null });
    expect(handedBack?.checkpoint?.step).toBeGreaterThanOrEqual((handedBack?.progress?.step ?? 0) - 1);
    expect(await positionOf(deployment.queue, id)).toBe(0);
    await deployment.startWorker();
    const record = await deployment.untilEnded(id);
    expect(record.attempts).toBe(1);
    await expectUndisturbed(record);
  });

  it("writes its last checkpoint in time, even of a picture of 512 px", async () => {
    const worker = await deployment.startWorker({ CHECKPOINT_SECONDS: "3600" });
    const { id } = await deployment.submit({ ...LONG, size: 512, scales: 1 });
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 2);
    expect(await worker.end("SIGTERM")).toBe(0);
    const record = await deployment.queue.find(id);
    expect(record).toMatchObject({ status: "queued", attempts: 0 });
    expect(record?.checkpoint?.step).toBeGreaterThanOrEqual((record?.progress?.step ?? 0) - 1);
    const blob = await deployment.store.stat(record?.checkpoint?.key ?? "");
    // The pixels and two moments of Adam, in float32.
    expect(blob?.size).toBeGreaterThan(3 * 4 * 3 * 512 * 300);
    await deployment.queue.cancel(id);
  });

  it("exits with 0 if it has no job, even while Redis is down", async () => {
    const idle = await deployment.startWorker();
    expect(await idle.end("SIGTERM")).toBe(0);
    const cut = await deployment.startWorker();
    await deployment.redis.kill();
    try {
      expect(await cut.end("SIGTERM")).toBe(0);
    } finally {
      await deployment.redis.start();
    }
  });
});

describe("If a worker and its engine freeze for longer than the lock lasts", () => {
  it("another worker resumes the job, and the first one changes nothing when it wakes", async () => {
    const first = await deployment.startWorker({ LOCK_SECONDS: "2" });
    const { id } = await deployment.submit(LONG);
    await deployment.until(id, checkpointed);
    const frozen = [first.pid, ...(await childrenOf(first.pid))];
    for (const pid of frozen) process.kill(pid, "SIGSTOP");
    const second = await deployment.startWorker({ LOCK_SECONDS: "2" });
    await deployment.until(id, ({ attempts }) => attempts === 2);
    for (const pid of frozen) process.kill(pid, "SIGCONT");
    const record = await deployment.untilEnded(id);
    expect(record.worker).toContain(`-${second.pid}-`);
    await first.line(({ msg, job_id }) => msg === "job stopped" && job_id === id);
    // Whatever it does when it wakes, it has done when it has ended.
    await first.end("SIGTERM");
    await expectUndisturbed(record);
    const next = await deployment.submit();
    expect(await deployment.untilEnded(next.id)).toMatchObject({ status: "succeeded" });
  });
});
