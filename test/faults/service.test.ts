import { once } from "node:events";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { COME_AGAIN_MS } from "../../src/http/events/job-events.ts";
import { startApi, submitSmall } from "../support/api-process.ts";
import { EventReader } from "../support/event-stream.ts";
import { expectNothingLeftOver } from "../support/outcome.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

let setting: WorkerSetting;
beforeAll(async () => {
  setting = await WorkerSetting.create();
});
afterEach(() => setting.stopPrograms());
afterAll(() => setting.close());

describe("When the API is killed", () => {
  it("right after its 202, the job runs", async () => {
    const { api, client } = await startApi(setting);
    const { id } = await submitSmall(client);
    api.kill("SIGKILL");
    await setting.startWorker();
    expect(await setting.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("during an upload, there is no job, and the next API works", async () => {
    const { api, address } = await startApi(setting);
    const before = await setting.queue.statistics.countByStatus();
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
    expect(await setting.queue.statistics.countByStatus()).toEqual(before);
    const { client } = await startApi(setting);
    expect(await submitSmall(client)).toMatchObject({ status: "queued" });
  });
});

describe("When the API is asked to stop", () => {
  it("it finishes the request that is open, takes no new one, and exits", async () => {
    const { api, address } = await startApi(setting);
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

describe("When ten clients send the same request with one idempotency key through two API processes", () => {
  it("there is one job, and each client gets to know it", async () => {
    const addresses = [(await startApi(setting)).address, (await startApi(setting)).address];
    const before = (await setting.queue.list({ limit: 1000 })).length;
    const body = Buffer.from(
      await new Response(await form({ options: '{"size":64,"steps":5}' })).arrayBuffer(),
    );
    const boundary = body.subarray(2, body.indexOf("\r")).toString();
    const headers = {
      "content-type": `multipart/form-data; boundary=${boundary}`,
      "idempotency-key": "ten-clients",
    };
    // As a client does: it comes again while another request of its key is being answered.
    const insist = async (address: string): Promise<string> => {
      for (;;) {
        const answer = await fetch(`${address}/v1/jobs`, { method: "POST", headers, body });
        const { id, code } = (await answer.json()) as { id: string; code?: string };
        if (answer.status === 202) return id;
        expect([answer.status, code]).toEqual([409, "request_in_flight"]);
        await sleep(50);
      }
    };
    const clients = Array.from({ length: 10 }, (_, index) => insist(addresses[index % 2] ?? ""));
    const ids = new Set(await Promise.all(clients));
    expect(ids.size).toBe(1);
    const found = await setting.queue.list({ limit: 1000 });
    expect(found.length).toBe(before + 1);
    await setting.startWorker();
    const [id = ""] = ids;
    const record = await setting.untilEnded(id);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    await expectNothingLeftOver(setting, record);
  });
});

describe("When the API is asked to stop while clients follow a job", () => {
  it("it ends their streams with a time to come again, answers who waits, and exits", async () => {
    const { api, address, client } = await startApi(setting);
    const { id } = await submitSmall(client);
    const reader = new EventReader(await fetch(`${address}/v1/jobs/${id}/events`));
    expect((await reader.next())?.event).toBe("status");
    const waiting = fetch(`${address}/v1/jobs`, {
      method: "POST",
      body: await form({ options: '{"size":64,"steps":3}' }),
      headers: { prefer: "wait=60" },
    });
    while ((await setting.queue.statistics.countByStatus()).queued < 2) await sleep(20);
    const ended = api.end("SIGTERM");
    expect(await reader.rest()).toEqual([]);
    expect(reader.retryMs).toBe(COME_AGAIN_MS);
    expect((await waiting).status).toBe(202);
    expect(await ended).toBeLessThan(10_000);
    expect(api.exitCode).toBe(0);
    for (const job of await setting.queue.list({ limit: 10, status: "queued" }))
      await setting.queue.cancel(job.id);
  });
});
