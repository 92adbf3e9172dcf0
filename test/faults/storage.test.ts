import { execFile, spawnSync } from "node:child_process";
import { mkdir, open, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { addressOf } from "../e2e/client.ts";
import { submission } from "../support/jobs.ts";
import { jpeg, png } from "../support/pictures.ts";
import type { ProgramProcess } from "../support/programs.ts";
import { file, form } from "../support/submission-form.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

const run = promisify(execFile);

/** Whether this process may mount a disk: as root, on Linux, outside of most containers. */
const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0;
const describeOnOwnDisk = mayMount ? describe : describe.skip;

/** A disk of its own for the blob store: small enough to fill, and it can be made read-only. */
let setting: WorkerSetting;
let disk: string;
beforeAll(async () => {
  setting = await WorkerSetting.create();
  disk = join(setting.folder, "blobs");
  await mkdir(disk);
  if (mayMount) await run("mount", ["-t", "tmpfs", "-o", "size=64m", "nst-test", disk]);
});
afterEach(async () => {
  await setting.stopPrograms();
  if (mayMount) await run("mount", ["-o", "remount,rw", disk]);
  await rm(join(disk, "filler"), { force: true });
});
afterAll(async () => {
  await setting.stopPrograms();
  if (mayMount) await run("umount", ["-l", disk]);
  await setting.close();
});

/** Leaves no byte free, also while others write. */
async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  const more = new Uint8Array(bavail * bsize + 4096);
  await expect(writeFile(join(disk, "filler"), more)).rejects.toThrow("ENOSPC");
}

async function startApi(variables: Record<string, string> = {}): Promise<string> {
  // Uploads lie on the other disk, which has room: it is the store that is full.
  return addressOf(setting.run("src/main.js", { PORT: "0", MIN_FREE_BYTES: "0", ...variables }));
}

const submit = async (address: string): Promise<Response> =>
  fetch(`${address}/v1/jobs`, { method: "POST", body: await form() });

/** Also on a machine that has much else to do. */
const PATIENCE_MS = 180_000;

const says = (worker: ProgramProcess, text: string) => worker.line(({ msg }) => msg.includes(text));

describeOnOwnDisk("When the blob store is full", () => {
  it("submissions are answered with 503 and when to come again, leave nothing, and are taken when there is room", async () => {
    const address = await startApi();
    await fill();
    const answer = await submit(address);
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: "storage_full", retryable: true },
    ]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fetch(`${address}/readyz`)).status).toBe(503);
    expect(await readdir(join(disk, ".writing"))).toEqual([]);
    expect(await readdir(join(setting.folder, "spool"))).toEqual([]);
    await rm(join(disk, "filler"));
    expect((await submit(address)).status).toBe(202);
    const [record] = await setting.queue.list({ limit: 1 });
    await setting.queue.cancel(record?.id ?? "");
  });

  it("a batch for a part of which there is room is refused as a whole, and nothing of it is painted", async () => {
    const address = await startApi();
    const before = {
      jobs: await setting.queue.statistics.countByStatus(),
      folders: await readdir(join(disk, "jobs")),
    };
    const { bavail, bsize } = await statfs(disk);
    await writeFile(join(disk, "filler"), new Uint8Array(bavail * bsize - 300_000));
    const noise = await png({ width: 512, height: 512 });
    expect(noise.length).toBeGreaterThan(300_000);
    const body = new FormData();
    for (const bytes of [await jpeg(), noise]) body.append("content", file(bytes), "content");
    body.append("style", file(await jpeg({ seed: 2 })), "style");
    const answer = await fetch(`${address}/v1/batches`, { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "storage_full" }]);
    const { queued } = await setting.queue.statistics.countByStatus();
    expect([queued, await readdir(join(disk, "jobs"))]).toEqual([before.jobs.queued, before.folders]);
  });

  it("submissions are refused before that, where room is kept for the jobs that were accepted", async () => {
    const address = await startApi({ MIN_FREE_BYTES: String(64 * 1024 * 1024) });
    const answer = await submit(address);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "storage_full" }]);
  });

  it("the running job goes on, keeps its result, and stores it when there is room", async () => {
    const worker = await setting.startWorker();
    const { id } = await setting.submit({ size: 64, steps: 100, scales: 1, preview_interval: 10 });
    await setting.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    await fill();
    await says(worker, "was not stored");
    await setting.until(id, ({ progress }) => progress?.step === 100, PATIENCE_MS);
    expect(await setting.queue.find(id)).toMatchObject({ status: "running", result: null });
    await rm(join(disk, "filler"));
    const record = await setting.untilEnded(id, PATIENCE_MS);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(await setting.store.stat(record.result?.key ?? "")).not.toBeNull();
  });
});

describeOnOwnDisk("When the blob store is read-only", () => {
  it("submissions are refused, a waiting job is not spoilt, and is painted when it can be written again", async () => {
    const waiting = await setting.submit();
    await run("mount", ["-o", "remount,ro", disk]);
    const address = await startApi();
    const answer = await submit(address);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "unavailable" }]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    const worker = await setting.startWorker();
    await says(worker, "pictures cannot be stored");
    expect(await setting.queue.find(waiting.id)).toMatchObject({ status: "running", progress: null });
    await run("mount", ["-o", "remount,rw", disk]);
    expect(await setting.untilEnded(waiting.id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("a worker that is asked to stop meanwhile hands its job back, and no attempt is lost", async () => {
    const worker = await setting.startWorker();
    const { id } = await setting.submit({ size: 64, steps: 60, scales: 1 });
    await setting.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    await run("mount", ["-o", "remount,ro", disk]);
    await says(worker, "pictures cannot be stored");
    expect(await worker.end("SIGTERM")).toBeLessThan(13_000);
    expect(await setting.queue.find(id)).toMatchObject({ status: "queued", attempts: 0, error: null });
    await run("mount", ["-o", "remount,rw", disk]);
    await setting.startWorker();
    expect(await setting.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });
});

describe("When the blob store is slow", () => {
  it("a worker that waits for a picture keeps its job, nobody runs it twice, and it is painted", async () => {
    const workers = [
      await setting.startWorker({ LOCK_SECONDS: "2" }),
      await setting.startWorker({ LOCK_SECONDS: "2" }),
    ];
    // A named pipe in the picture's place: who reads it waits until somebody writes.
    const job = submission();
    await setting.store.put(job.styles[0] ?? "", await jpeg({ seed: 2 }));
    const pipe = join(disk, job.content);
    await run("mkfifo", [pipe]);
    await setting.queue.submit(job);
    await setting.until(job.id, ({ status }) => status === "running");
    await sleep(5_000);
    expect(await setting.queue.find(job.id)).toMatchObject({
      status: "running",
      attempts: 1,
      progress: null,
    });
    const picture = await jpeg();
    const end = await open(pipe, "w");
    await end.write(picture.subarray(0, 100));
    await sleep(1_000);
    await end.write(picture.subarray(100));
    await end.close();
    expect(await setting.untilEnded(job.id)).toMatchObject({ status: "succeeded", attempts: 1 });
    const starts = workers.flatMap(({ lines }) =>
      lines.filter(({ msg, job_id }) => msg === "job started" && job_id === job.id),
    );
    expect(starts).toHaveLength(1);
  });

  it("a job whose picture does not come can be canceled, and its worker stops when it is asked to", async () => {
    const worker = await setting.startWorker();
    const job = submission();
    await setting.store.put(job.styles[0] ?? "", await jpeg({ seed: 2 }));
    const pipe = join(disk, job.content);
    await run("mkfifo", [pipe]);
    await setting.queue.submit(job);
    await setting.until(job.id, ({ status }) => status === "running");
    expect(await setting.queue.cancel(job.id)).toMatchObject({ status: "canceled" });
    const ended = worker.end("SIGTERM");
    // A process cannot end while the system holds one of its threads: as a disk does that comes back.
    await sleep(500);
    const end = await open(pipe, "w");
    await end.close();
    expect(await ended).toBeLessThan(13_000);
    expect(worker.exitCode).toBe(0);
    expect(await setting.queue.find(job.id)).toMatchObject({ status: "canceled" });
  });
});
