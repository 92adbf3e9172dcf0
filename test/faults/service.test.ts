import { once } from "node:events";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { RECONNECT_MS } from "../../src/http/events/job-events.ts";
import { EventReader } from "../support/event-stream.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import type { TestClient } from "../support/harness/test-client.ts";
import { expectNothingLeftOver } from "../support/nothing-left-over.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let deployment: TestDeployment;
beforeAll(async () => {
  deployment = await TestDeployment.create();
});
afterEach(() => deployment.stopPrograms());
afterAll(() => deployment.close());

describe("If the API is killed", () => {
  it("right after its 202, the job still runs", async () => {
    const { api, client } = await deployment.startApi();
    const { id } = await client.submitSmall();
    api.kill("SIGKILL");
    await deployment.startWorker();
    expect(await deployment.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("during an upload, no job is created, and the next API works", async () => {
    const { api, address, client: uploader } = await deployment.startApi();
    const before = await deployment.queue.statistics.countByStatus();
    const upload = request(`${address}/v1/jobs`, {
      method: "POST",
      headers: {
        ...uploader.authorization,
        ...{ "content-type": "multipart/form-data; boundary=b", "content-length": "1000000" },
      },
    });
    const failed = once(upload, "error");
    upload.write('--b\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n');
    upload.write(await jpeg());
    await until(async () => (await readdir(join(deployment.folder, "spool"))).length > 0);
    api.kill("SIGKILL");
    await failed;
    expect(await deployment.queue.statistics.countByStatus()).toEqual(before);
    const { client } = await deployment.startApi();
    expect(await client.submitSmall()).toMatchObject({ status: "queued" });
  });
});

describe("While the blob store fails", () => {
  it("a worker keeps its result, and stores it when the store works again", async () => {
    const worker = await deployment.startWorker();
    const { id } = await deployment.submit({ steps: 100 });
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 5);
    const blobs = join(deployment.folder, "blobs");
    await rename(blobs, `${blobs}-away`);
    await writeFile(blobs, "in the folder's place");
    try {
      await worker.line(({ msg }) => msg.includes("could not store"));
      await deployment.until(id, ({ progress }) => progress?.step === 100);
      await worker.line(({ msg }) => msg.includes("the blob store is not writable"));
      expect(await deployment.queue.find(id)).toMatchObject({ status: "running", result: null });
    } finally {
      await rm(blobs);
      await rename(`${blobs}-away`, blobs);
    }
    const record = await deployment.untilEnded(id);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(await deployment.store.stat(record.result?.key ?? "")).not.toBeNull();
  });

  it("a job whose pictures cannot be read fails with the reason after three attempts", async () => {
    const { id } = await deployment.submit();
    const blobs = join(deployment.folder, "blobs");
    await rename(blobs, `${blobs}-away`);
    // A folder where the picture should be: neither readable nor missing.
    await mkdir(join(blobs, "jobs", id, "content"), { recursive: true });
    try {
      await deployment.startWorker();
      expect(await deployment.untilEnded(id)).toMatchObject({
        ...{ status: "failed", attempts: 3 },
        error: { code: "storage_failed" },
      });
    } finally {
      await rm(blobs, { recursive: true });
      await rename(`${blobs}-away`, blobs);
    }
  });
});

describe("Ten clients that send one idempotency key to two API processes", () => {
  it("create one job, and each client gets its id", async () => {
    const [one, other] = [(await deployment.startApi()).client, (await deployment.startApi()).client];
    const before = (await deployment.queue.list({ limit: 1000 })).length;
    const body = Buffer.from(
      await new Response(await form({ options: '{"size":32,"steps":5}' })).arrayBuffer(),
    );
    const boundary = body.subarray(2, body.indexOf("\r")).toString();
    const headers = {
      "content-type": `multipart/form-data; boundary=${boundary}`,
      "idempotency-key": "ten-clients",
    };
    // As a client does: it comes again while another request of its key is being answered.
    const submit = async (client: TestClient): Promise<string | null> => {
      const answer = await client.fetch("/v1/jobs", { method: "POST", headers, body });
      const { id, code } = (await answer.json()) as { id: string; code?: string };
      if (answer.status === 202) return id;
      expect([answer.status, code]).toEqual([409, "request_in_flight"]);
      return null;
    };
    const clients = Array.from({ length: 10 }, (_, index) => until(() => submit(index % 2 ? one : other)));
    const ids = new Set(await Promise.all(clients));
    expect(ids.size).toBe(1);
    const found = await deployment.queue.list({ limit: 1000 });
    expect(found.length).toBe(before + 1);
    await deployment.startWorker();
    const [id = ""] = ids;
    const record = await deployment.untilEnded(id);
    expect(record).toMatchObject({ status: "succeeded", attempts: 1 });
    await expectNothingLeftOver(deployment, record);
  });
});

describe("An API that is asked to stop while clients follow a job", () => {
  it("ends event streams with a reconnection time, answers waiting requests, and exits with 0", async () => {
    const { api, client } = await deployment.startApi();
    const { id } = await client.submitSmall();
    const reader = new EventReader(await client.fetch(`/v1/jobs/${id}/events`));
    expect((await reader.next())?.event).toBe("status");
    const waiting = client.fetch("/v1/jobs", {
      method: "POST",
      body: await form({ options: '{"size":32,"steps":3}' }),
      headers: { prefer: "wait=60" },
    });
    await until(async () => (await deployment.queue.statistics.countByStatus()).queued === 2);
    const ended = api.end("SIGTERM");
    expect(await reader.rest()).toEqual([]);
    expect(reader.retryMs).toBe(RECONNECT_MS);
    expect((await waiting).status).toBe(202);
    expect(await ended).toBe(0);
    for (const job of await deployment.queue.list({ limit: 10, status: "queued" }))
      await deployment.queue.cancel(job.id);
  });
});
