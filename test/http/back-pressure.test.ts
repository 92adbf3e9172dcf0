import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { afterEach, describe, expect, it } from "@jest/globals";
import { EventReader } from "../support/event-stream.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function start(variables: Record<string, string>): Promise<TestService> {
  service = await TestService.start(variables);
  return service;
}

async function submit(to: TestService, headers: Record<string, string> = {}): Promise<Response> {
  return to.fetch("/v1/jobs", { method: "POST", body: await form(), headers });
}

async function expectRejected(answer: Response, status: number, code: string): Promise<void> {
  expect([answer.status, await answer.json()]).toMatchObject([status, { code, retryable: true }]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

/** Starts an upload that does not end by itself. */
function startUpload(to: TestService, headers: Record<string, string>): ClientRequest {
  const upload = request(`${to.url}/v1/jobs`, {
    method: "POST",
    headers: { ...to.authorization, ...headers },
  });
  upload.on("error", () => undefined);
  upload.write("-");
  return upload;
}

const FORM = { "content-type": "multipart/form-data; boundary=b" };
const PART = '--b\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n';

/** The status of the response to an upload whose body is never completed. */
async function statusBeforeBody(to: TestService, headers: Record<string, string>): Promise<number> {
  const upload = request(`${to.url}/v1/jobs`, {
    method: "POST",
    headers: { ...to.authorization, ...FORM, ...headers },
  });
  upload.on("error", () => undefined);
  upload.write(PART);
  const [response] = await once(upload, "response");
  upload.destroy();
  return response.statusCode;
}

describe("A full queue", () => {
  it("rejects a job before its body is read, but not a repeated request, until there is room", async () => {
    const to = await start({ MAX_QUEUED_JOBS: "1" });
    const first = await submit(to, { "idempotency-key": "one" });
    expect(first.status).toBe(202);
    expect(await statusBeforeBody(to, {})).toBe(503);
    await expectRejected(await submit(to), 503, "queue_full");
    expect((await submit(to, { "idempotency-key": "one" })).headers.get("idempotency-replayed")).toBe("true");
    await expectRejected(await submit(to, { "idempotency-key": "two" }), 503, "queue_full");
    const { id } = (await first.json()) as { id: string };
    await to.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    expect((await submit(to, { "idempotency-key": "two" })).status).toBe(202);
    await expectRejected(await to.fetch(`/v1/jobs/${id}/retry`, { method: "POST" }), 503, "queue_full");
  });

  it("of one owner does not affect other owners", async () => {
    const to = await start({ MAX_QUEUED_JOBS_PER_OWNER: "1" });
    expect((await submit(to)).status).toBe(202);
    await expectRejected(await submit(to), 429, "quota_exceeded");
    const other = await to.apiKeys.create({
      owner: "another",
      name: "",
      scopes: ["submit"],
      lifetimeMs: null,
    });
    expect((await submit(to, { authorization: `Bearer ${other.text}` })).status).toBe(202);
    expect((await to.queue.statistics.countByStatus()).queued).toBe(2);
  });
});

it("responds with 503 if the spool cannot be written", async () => {
  const to = await start({ SPOOL_DIR: "/dev/null/spool" });
  await expectRejected(await submit(to), 503, "unavailable");
});

describe("The upload limit", () => {
  it("rejects a further form at once, and accepts it when another upload has ended", async () => {
    // One owner may have half of them.
    const to = await start({ MAX_UPLOADS: "4" });
    const open = [startUpload(to, FORM), startUpload(to, FORM)];
    await until(async () => (await submit(to)).status === 503);
    expect(await statusBeforeBody(to, {})).toBe(503);
    await expectRejected(await submit(to), 503, "too_many_uploads");
    expect((await to.fetch("/v1/jobs")).status).toBe(200);
    for (const upload of open) upload.destroy();
    await until(async () => (await submit(to)).status === 202);
    // A response that waits for the end of its job is no longer an upload.
    const before = (await to.queue.statistics.countByStatus()).queued;
    const waiting = [1, 2].map(() => submit(to, { prefer: "wait=30" }));
    await until(async () => (await to.queue.statistics.countByStatus()).queued >= before + 2);
    await until(async () => (await submit(to)).status === 202);
    const { jobs } = (await (await to.fetch("/v1/jobs")).json()) as { jobs: { id: string }[] };
    for (const { id } of jobs) await to.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  });
});

it("rejects a further event stream at the limit, and does not delay a response to Prefer: wait", async () => {
  const to = await start({ MAX_STREAMS: "1" });
  const { id } = (await (await submit(to)).json()) as { id: string };
  const reader = new EventReader(await to.fetch(`/v1/jobs/${id}/events`));
  expect((await reader.next())?.event).toBe("status");
  await expectRejected(await to.fetch(`/v1/jobs/${id}/events`), 503, "too_many_streams");
  const immediate = await submit(to, { prefer: "wait=60" });
  expect([immediate.status, immediate.headers.get("preference-applied")]).toEqual([202, null]);
  await reader.cancel();
  await until(async () => {
    const again = await to.fetch(`/v1/jobs/${id}/events`);
    await again.body?.cancel();
    return again.ok;
  });
});

it("releases the stream of a client that disconnects while it is authenticated", async () => {
  const to = await start({ MAX_STREAMS: "1" });
  const { id } = (await (await submit(to)).json()) as { id: string };
  // Redis holds the API keys: the request waits for it until the client has disconnected.
  await to.redis.call("CLIENT", "PAUSE", "500", "ALL");
  const received = once(to.app.server, "request");
  const stream = request(`${to.url}/v1/jobs/${id}/events`, { headers: to.authorization }).end();
  stream.on("error", () => undefined);
  const [{ socket }] = (await received) as [IncomingMessage];
  const closed = once(socket, "close");
  stream.destroy();
  await closed;
  // Redis handles commands in order, so the API has handled the first request when it responds to this one.
  expect((await to.fetch(`/v1/jobs/${id}`)).status).toBe(200);
  const reader = new EventReader(await to.fetch(`/v1/jobs/${id}/events`));
  expect((await reader.next())?.event).toBe("status");
  await reader.cancel();
});

it("rejects jobs if less disk space is free than configured", async () => {
  const to = await start({ MIN_FREE_BYTES: String(1024 ** 4) });
  await mkdir(to.config.spoolDirectory, { recursive: true });
  await expectRejected(await submit(to), 503, "storage_full");
  expect(await statusBeforeBody(to, {})).toBe(503);
  expect(await to.spooled()).toEqual([]);
});
