import { once } from "node:events";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Job } from "../../client/index.ts";
import { addressOf, Client } from "../e2e/client.ts";
import { expectNothingLeftOver } from "../support/outcome.ts";
import { jpeg } from "../support/pictures.ts";
import type { ProgramProcess } from "../support/programs.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

let setting: WorkerSetting;
beforeAll(async () => {
  setting = await WorkerSetting.create();
});
afterEach(() => setting.stopPrograms());
afterAll(() => setting.close());

async function startApi(): Promise<{ api: ProgramProcess; address: string; client: Client }> {
  const api = setting.run("src/main.js", { PORT: "0" });
  const address = await addressOf(api);
  return { api, address, client: new Client(address) };
}

const submit = async (client: Client, steps = 10): Promise<Job> =>
  client.submit(await jpeg(), [await jpeg({ seed: 2 })], { preset: "draft", size: 64, steps });

describe("When Redis is killed while a job runs and others are submitted", () => {
  it("submitting is refused until it is back, nothing accepted is lost, and the running job goes on", async () => {
    const { address, client } = await startApi();
    await setting.startWorker({ LOCK_SECONDS: "2" });
    const running = await client.submit(await jpeg(), [await jpeg({ seed: 2 })], {
      ...{ preset: "draft", size: 128, steps: 200, preview_interval: 5 },
    });
    const waiting = await submit(client);
    await setting.until(running.id, ({ progress }) => (progress?.step ?? 0) > 5);

    await setting.redis.kill();
    const form = new FormData();
    form.append("content", new Blob([new Uint8Array(await jpeg())]));
    form.append("style", new Blob([new Uint8Array(await jpeg({ seed: 2 }))]));
    const refused = await fetch(`${address}/v1/jobs`, { method: "POST", body: form });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await client.get(`/v1/jobs/${waiting.id}`)).status).toBe(503);
    expect((await client.get("/livez")).status).toBe(200);
    expect((await client.get("/readyz")).status).toBe(503);
    await sleep(5_000);
    await setting.redis.start();

    expect(await setting.untilEnded(running.id)).toMatchObject({ status: "succeeded" });
    expect(await setting.untilEnded(waiting.id)).toMatchObject({ status: "succeeded", attempts: 1 });
    const afterwards = await submit(client);
    expect(await setting.untilEnded(afterwards.id)).toMatchObject({ status: "succeeded" });
    const ids = (await setting.queue.list({ limit: 100 })).map(({ id }) => id);
    expect(ids).toEqual([afterwards.id, waiting.id, running.id]);
    const record = await setting.queue.find(running.id);
    if (record) await expectNothingLeftOver(setting, record);
  }, 90_000);
});

describe("When the API is killed", () => {
  it("right after its 202, the job runs", async () => {
    const { api, client } = await startApi();
    const { id } = await submit(client);
    api.kill("SIGKILL");
    await setting.startWorker();
    expect(await setting.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("during an upload, there is no job, and the next API works", async () => {
    const { api, address } = await startApi();
    const before = await setting.queue.counts();
    const upload = request(`${address}/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=b", "content-length": "1000000" },
    });
    const failed = once(upload, "error");
    upload.write('--b\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n');
    upload.write(await jpeg());
    await sleep(300);
    api.kill("SIGKILL");
    await failed;
    expect(await setting.queue.counts()).toEqual(before);
    const { client } = await startApi();
    expect(await submit(client)).toMatchObject({ status: "queued" });
  });
});

describe("When the API is asked to stop", () => {
  it("it finishes the request that is open, takes no new one, and exits", async () => {
    const { api, address } = await startApi();
    const body = await jpeg();
    const head = '--b\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n';
    const middle = '\r\n--b\r\nContent-Disposition: form-data; name="style"; filename="b"\r\n\r\n';
    const tail =
      '\r\n--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"size":64,"steps":3}\r\n--b--\r\n';
    const upload = request(`${address}/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=b" },
    });
    upload.write(head);
    upload.write(body);
    await sleep(300);
    const ended = api.end("SIGTERM");
    await sleep(300);
    await expect(fetch(`${address}/livez`)).rejects.toThrow();
    upload.write(middle);
    upload.write(body);
    upload.end(tail);
    const [response] = await once(upload, "response");
    response.resume();
    expect(response.statusCode).toBe(202);
    expect(await ended).toBeLessThan(10_000);
    expect(api.exitCode).toBe(0);
  });
});

describe("When the blob store cannot be written for a while", () => {
  it("the running job waits with its result, which is then stored", async () => {
    await setting.startWorker();
    const { id } = await setting.submit({ size: 128, steps: 100, scales: 1 });
    await setting.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    const blobs = join(setting.folder, "blobs");
    await rename(blobs, `${blobs}-away`);
    await writeFile(blobs, "in the folder's place");
    const worker = setting.programs.at(-1);
    await worker?.line(({ msg }) => msg.includes("was not stored"));
    await setting.until(id, ({ progress }) => progress?.step === 100);
    await sleep(500);
    expect(await setting.queue.find(id)).toMatchObject({ status: "running", result: null });
    await rm(blobs);
    await rename(`${blobs}-away`, blobs);
    const record = await setting.untilEnded(id);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(await setting.store.stat(record.result?.key ?? "")).not.toBeNull();
  });

  it("a job whose pictures cannot be read is tried again, then fails with the reason", async () => {
    const { id } = await setting.submit();
    const blobs = join(setting.folder, "blobs");
    await rename(blobs, `${blobs}-away`);
    // A folder where the picture should be: neither readable nor missing.
    await mkdir(join(blobs, "jobs", id, "content"), { recursive: true });
    try {
      await setting.startWorker();
      expect(await setting.untilEnded(id)).toMatchObject({
        ...{ status: "failed", attempts: 3 },
        error: { code: "storage_failed" },
      });
    } finally {
      await rm(blobs, { recursive: true });
      await rename(`${blobs}-away`, blobs);
    }
  });
});

describe("When Redis stands still and then goes on", () => {
  it("requests are refused after a few seconds instead of hanging", async () => {
    const { client } = await startApi();
    const { id } = await submit(client);
    setting.redis.freeze();
    const started = performance.now();
    try {
      expect((await client.get(`/v1/jobs/${id}`)).status).toBe(503);
      expect(performance.now() - started).toBeLessThan(9_000);
    } finally {
      setting.redis.thaw();
    }
    await sleep(200);
    expect((await client.view(id)).id).toBe(id);
  });
});
