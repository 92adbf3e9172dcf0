import { execFile } from "node:child_process";
import { mkdir, open, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { TestDeployment } from "../support/harness/deployment.ts";
import type { ProgramProcess } from "../support/harness/program.ts";
import type { TestClient } from "../support/harness/test-client.ts";
import { submission } from "../support/jobs.ts";
import { jpeg, png } from "../support/pictures.ts";
import { describeIfPossible, missingToMount } from "../support/requirements.ts";
import { file, form } from "../support/submission-form.ts";

const run = promisify(execFile);

const missing = missingToMount();
const mayMount = missing === undefined;

/** A disk of its own for the blob store: small enough to fill, and it can be made read-only. */
let deployment: TestDeployment;
let disk: string;
beforeAll(async () => {
  deployment = await TestDeployment.create();
  disk = join(deployment.folder, "blobs");
  await mkdir(disk);
  if (mayMount) await run("mount", ["-t", "tmpfs", "-o", "size=64m", "nst-test", disk]);
});
afterEach(async () => {
  await deployment.stopPrograms();
  if (mayMount) await run("mount", ["-o", "remount,rw", disk]);
  await rm(join(disk, "filler"), { force: true });
});
afterAll(async () => {
  await deployment.stopPrograms();
  if (mayMount) await run("umount", ["-l", disk]);
  await deployment.close();
});

/** Leaves no byte free, also while others write. */
async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  const more = new Uint8Array(bavail * bsize + 4096);
  await expect(writeFile(join(disk, "filler"), more)).rejects.toThrow("ENOSPC");
}

async function startApi(variables: Record<string, string> = {}): Promise<TestClient> {
  // Uploads lie on the other disk, which has room: it is the store that is full.
  return (await deployment.startApi({ MIN_FREE_BYTES: "0", ...variables })).client;
}

/** All that the store holds. */
async function storedFiles(): Promise<string[]> {
  const entries = await readdir(disk, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "filler");
  return files.map(({ parentPath, name }) => join(parentPath, name)).sort();
}

const submit = async (client: TestClient): Promise<Response> =>
  client.fetch("/v1/jobs", { method: "POST", body: await form() });

const LOCK_SECONDS = 1;

/** Also on a machine that has much else to do. */
const LONG_MS = 180_000;

const says = (worker: ProgramProcess, text: string) => worker.line(({ msg }) => msg.includes(text));

describeIfPossible("While the blob store is full", missing, () => {
  it("the API rejects submissions with 503 and Retry-After, stores nothing, and accepts again when there is space", async () => {
    const client = await startApi();
    await fill();
    const answer = await submit(client);
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: "storage_full", retryable: true },
    ]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await client.get("/readyz")).status).toBe(503);
    expect(await readdir(join(disk, ".writing"))).toEqual([]);
    expect(await readdir(join(deployment.folder, "spool"))).toEqual([]);
    await rm(join(disk, "filler"));
    expect((await submit(client)).status).toBe(202);
    const [record] = await deployment.queue.list({ limit: 1 });
    await deployment.queue.cancel(record?.id ?? "");
  });

  it("the API rejects a batch as a whole if only part of it fits", async () => {
    const client = await startApi();
    const before = {
      jobs: await deployment.queue.statistics.countByStatus(),
      files: await storedFiles(),
    };
    const { bavail, bsize } = await statfs(disk);
    await writeFile(join(disk, "filler"), new Uint8Array(bavail * bsize - 300_000));
    const noise = await png({ width: 512, height: 512 });
    expect(noise.length).toBeGreaterThan(300_000);
    const body = new FormData();
    for (const bytes of [await jpeg(), noise]) body.append("content", file(bytes), "content");
    body.append("style", file(await jpeg({ seed: 2 })), "style");
    const answer = await client.fetch("/v1/batches", { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "storage_full" }]);
    const { queued } = await deployment.queue.statistics.countByStatus();
    expect([queued, await storedFiles()]).toEqual([before.jobs.queued, before.files]);
  });

  it("the API rejects submissions while less than MIN_FREE_BYTES are free", async () => {
    const client = await startApi({ MIN_FREE_BYTES: String(64 * 1024 * 1024) });
    const answer = await submit(client);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "storage_full" }]);
  });

  it("a running job goes on, and its result is stored when there is space", async () => {
    const worker = await deployment.startWorker();
    const { id } = await deployment.submit({ steps: 100, preview_interval: 10 });
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    await fill();
    await says(worker, "could not store");
    await deployment.until(id, ({ progress }) => progress?.step === 100, LONG_MS);
    expect(await deployment.queue.find(id)).toMatchObject({ status: "running", result: null });
    await rm(join(disk, "filler"));
    const record = await deployment.untilEnded(id, LONG_MS);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(await deployment.store.stat(record.result?.key ?? "")).not.toBeNull();
  });
});

describeIfPossible("While the blob store is read-only", missing, () => {
  it("the API rejects submissions, and a queued job runs when the store is writable again", async () => {
    const waiting = await deployment.submit();
    await run("mount", ["-o", "remount,ro", disk]);
    const client = await startApi();
    // A picture that is stored already needs no space.
    const body = await form();
    body.set("content", file(await jpeg({ seed: 9 })), "another.jpg");
    const answer = await client.fetch("/v1/jobs", { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "unavailable" }]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    const worker = await deployment.startWorker();
    await says(worker, "the blob store is not writable");
    expect(await deployment.queue.find(waiting.id)).toMatchObject({ status: "running", progress: null });
    await run("mount", ["-o", "remount,rw", disk]);
    expect(await deployment.untilEnded(waiting.id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("a worker that is asked to stop hands its job back without using up an attempt", async () => {
    const worker = await deployment.startWorker();
    const { id } = await deployment.submit({ steps: 60 });
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    await run("mount", ["-o", "remount,ro", disk]);
    await says(worker, "the blob store is not writable");
    expect(await worker.end("SIGTERM")).toBe(0);
    expect(await deployment.queue.find(id)).toMatchObject({ status: "queued", attempts: 0, error: null });
    await run("mount", ["-o", "remount,rw", disk]);
    await deployment.startWorker();
    expect(await deployment.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });
});

describe("While the blob store is slow", () => {
  /** Starts a job with a named pipe in its picture's place: who reads it waits until somebody writes. */
  async function startJobWithPipe(): Promise<{ id: string; pipe: string }> {
    const job = submission();
    await deployment.store.put(job.styles[0] ?? "", await jpeg({ seed: 2 }));
    const pipe = join(disk, job.content);
    await run("mkfifo", [pipe]);
    const { id } = await deployment.queue.submit(job);
    await deployment.until(id, ({ status }) => status === "running");
    return { id, pipe };
  }

  it("a worker that waits for a picture keeps its lock, and no other worker runs the job", async () => {
    const workers = [
      await deployment.startWorker({ LOCK_SECONDS: String(LOCK_SECONDS) }),
      await deployment.startWorker({ LOCK_SECONDS: String(LOCK_SECONDS) }),
    ];
    const { id, pipe } = await startJobWithPipe();
    // Time itself is tested here: the lock would have run out twice.
    await sleep(2 * LOCK_SECONDS * 1000);
    expect(await deployment.queue.find(id)).toMatchObject({
      status: "running",
      attempts: 1,
      progress: null,
    });
    const picture = await jpeg();
    const end = await open(pipe, "w");
    await end.write(picture.subarray(0, 100));
    await end.write(picture.subarray(100));
    await end.close();
    expect(await deployment.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
    const starts = workers.flatMap(({ lines }) =>
      lines.filter(({ msg, job_id }) => msg === "job started" && job_id === id),
    );
    expect(starts).toHaveLength(1);
  });

  it("a job that waits for its picture can be canceled, and its worker can be stopped", async () => {
    const worker = await deployment.startWorker();
    const { id, pipe } = await startJobWithPipe();
    expect(await deployment.queue.cancel(id)).toMatchObject({ status: "canceled" });
    const ended = worker.end("SIGTERM");
    await says(worker, "received SIGTERM");
    // A process cannot end while the system holds one of its threads: as a disk does that comes back.
    const end = await open(pipe, "w");
    await end.close();
    expect(await ended).toBe(0);
    expect(await deployment.queue.find(id)).toMatchObject({ status: "canceled" });
  });
});
