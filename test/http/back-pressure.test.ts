import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { type ClientRequest, request } from "node:http";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Gate, SharedGate } from "../../src/http/admission/gate.ts";
import { EventReader } from "../support/event-stream.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
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

async function expectRefused(answer: Response, status: number, code: string): Promise<void> {
  expect([answer.status, await answer.json()]).toMatchObject([status, { code, retryable: true }]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

/** An upload that has begun and does not end by itself. */
function beginUpload(to: TestService, headers: Record<string, string>): ClientRequest {
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

/** The status of an upload of which only the head was sent. */
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

describe("As many jobs as may wait", () => {
  it("in all: the next is refused before it is read, a repeated one is not, and room lets it in", async () => {
    const to = await start({ MAX_QUEUED_JOBS: "1" });
    const first = await submit(to, { "idempotency-key": "one" });
    expect(first.status).toBe(202);
    expect(await statusBeforeBody(to, {})).toBe(503);
    await expectRefused(await submit(to), 503, "queue_full");
    expect((await submit(to, { "idempotency-key": "one" })).headers.get("idempotency-replayed")).toBe("true");
    await expectRefused(await submit(to, { "idempotency-key": "two" }), 503, "queue_full");
    const { id } = (await first.json()) as { id: string };
    await to.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    expect((await submit(to, { "idempotency-key": "two" })).status).toBe(202);
    await expectRefused(await to.fetch(`/v1/jobs/${id}/retry`, { method: "POST" }), 503, "queue_full");
  });

  it("of one owner: another's are taken", async () => {
    const to = await start({ MAX_QUEUED_JOBS_PER_OWNER: "1" });
    expect((await submit(to)).status).toBe(202);
    await expectRefused(await submit(to), 429, "quota_exceeded");
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

it("Where uploads cannot be put, they are refused for now", async () => {
  const to = await start({ SPOOL_DIR: "/dev/null/spool" });
  await expectRefused(await submit(to), 503, "unavailable");
});

describe("As many uploads as may come at once", () => {
  it("as forms: the next is refused at once, and let in when one is over", async () => {
    // One owner may have half of them.
    const to = await start({ MAX_UPLOADS: "4" });
    const open = [beginUpload(to, FORM), beginUpload(to, FORM)];
    await until(async () => (await submit(to)).status === 503);
    expect(await statusBeforeBody(to, {})).toBe(503);
    await expectRefused(await submit(to), 503, "too_many_uploads");
    expect((await to.fetch("/v1/jobs")).status).toBe(200);
    for (const upload of open) upload.destroy();
    await until(async () => (await submit(to)).status === 202);
    // Answers that are held back are no uploads any more.
    const before = (await to.queue.statistics.countByStatus()).queued;
    const held = [1, 2].map(() => submit(to, { prefer: "wait=30" }));
    await until(async () => (await to.queue.statistics.countByStatus()).queued >= before + 2);
    await until(async () => (await submit(to)).status === 202);
    const { jobs } = (await (await to.fetch("/v1/jobs")).json()) as { jobs: { id: string }[] };
    for (const { id } of jobs) await to.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("as JSON: by the bytes that they bring together", async () => {
    const to = await start({ MAX_JSON_BYTES: "5000", MAX_JSON_BYTES_AT_ONCE: "5000" });
    const upload = beginUpload(to, { "content-type": "application/json", "content-length": "4500" });
    const base64 = (await jpeg()).toString("base64");
    const body = JSON.stringify({ content: { base64 }, style: { base64 } });
    expect(body.length).toBeGreaterThan(500);
    const post = () =>
      to.fetch("/v1/jobs", { method: "POST", body, headers: { "content-type": "application/json" } });
    const answer = await until(async () => {
      const one = await post();
      return one.status === 503 && one;
    });
    await expectRefused(answer, 503, "too_many_uploads");
    upload.destroy();
    await until(async () => (await post()).status === 202);
  });
});

it("As many event streams as may be open: the next is refused, and a held answer comes at once", async () => {
  const to = await start({ MAX_STREAMS: "1" });
  const { id } = (await (await submit(to)).json()) as { id: string };
  const reader = new EventReader(await to.fetch(`/v1/jobs/${id}/events`));
  expect((await reader.next())?.event).toBe("status");
  await expectRefused(await to.fetch(`/v1/jobs/${id}/events`), 503, "too_many_streams");
  const hurried = await submit(to, { prefer: "wait=60" });
  expect([hurried.status, hurried.headers.get("preference-applied")]).toEqual([202, null]);
  await reader.cancel();
  await until(async () => {
    const again = await to.fetch(`/v1/jobs/${id}/events`);
    await again.body?.cancel();
    return again.ok;
  });
});

it("Where the disk has less room than is to stay free, nothing is taken", async () => {
  const to = await start({ MIN_FREE_BYTES: String(1024 ** 4) });
  await mkdir(to.config.spoolDirectory, { recursive: true });
  await expectRefused(await submit(to), 503, "storage_full");
  expect(await statusBeforeBody(to, {})).toBe(503);
  expect(await to.spooled()).toEqual([]);
});

it("One owner gets half of a gate, and leaves it for others when they are over", () => {
  const gate = new SharedGate(4);
  const leave = gate.enter("a");
  expect(gate.enter("a")).not.toBeNull();
  expect(gate.enter("a")).toBeNull();
  expect(gate.enter("b")).not.toBeNull();
  leave?.();
  leave?.();
  expect(gate.enter("a")).not.toBeNull();
  expect(gate.enter("a")).toBeNull();
  expect(gate.enter(null)).not.toBeNull();
  expect(gate.enter("b")).toBeNull();
  expect(new SharedGate(1).enter("a")).not.toBeNull();
  expect(new SharedGate(10, 8).enter("a", 8)).not.toBeNull();
});

it("A gate lets in what there is room for, and again what left, however often that is said", () => {
  const gate = new Gate(10);
  const leave = gate.enter(8);
  expect(gate.enter(3)).toBeNull();
  expect(gate.enter(2)).not.toBeNull();
  leave?.();
  leave?.();
  expect(gate.enter(9)).toBeNull();
  expect(gate.enter(8)).not.toBeNull();
});
