import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type BatchView, batchViewSchema } from "../../src/contract/batch.ts";
import { problemSchema } from "../../src/contract/problems.ts";
import { succeed } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
import { file } from "../support/submission-form.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();
let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ MAX_BATCH_JOBS: "6", MAX_QUEUED_JOBS: "7" });
});
afterEach(async () => {
  await service.clear();
});
afterAll(() => service.stop());

async function post(contents: number, styles: number, more: Record<string, string> = {}, headers = {}) {
  const body = new FormData();
  for (let index = 0; index < contents; index += 1)
    body.append("content", file(await jpeg({ seed: index + 1 })));
  for (let index = 0; index < styles; index += 1) body.append("style", file(await jpeg({ seed: index + 9 })));
  for (const [name, value] of Object.entries({ options: '{"size":64}', ...more })) body.append(name, value);
  return service.fetch("/v1/batches", { method: "POST", body, headers });
}
const viewOf = async (response: Response): Promise<BatchView> => batchViewSchema.parse(await response.json());
const problemOf = async (response: Response) => {
  const { status, code, detail } = problemSchema.parse(await response.json());
  return { status, code, detail };
};
const getBatch = async (id: string) => viewOf(await service.fetch(`/v1/batches/${id}`));
const queued = async () => (await service.queue.statistics.countByStatus()).queued;

describe("A batch", () => {
  it("creates a job for every content in every style", async () => {
    const response = await post(2, 3, { metadata: '{"order":7}' });
    expect(response.status).toBe(202);
    const view = await viewOf(response);
    expect(response.headers.get("location")).toBe(`/v1/batches/${view.id}`);
    expect(view).toMatchObject({ status: "queued", fraction: 0, metadata: { order: 7 } });
    expect(view.jobs.map(({ content, style }) => [content, style])).toEqual([
      ...[0, 1, 2].map((style) => [0, style]),
      ...[0, 1, 2].map((style) => [1, style]),
    ]);
    const last = await service.queue.find(view.jobs[5]?.job.id ?? "");
    expect(last?.batch).toBe(view.id);
    expect(Buffer.from(await service.store.read(last?.content ?? "")).equals(await jpeg({ seed: 2 }))).toBe(
      true,
    );
    expect(
      Buffer.from(await service.store.read(last?.styles[0] ?? "")).equals(await jpeg({ seed: 11 })),
    ).toBe(true);
    expect(await service.spooled()).toEqual([]);
  });

  it("returns the results as a zip when it is finished, without failed jobs", async () => {
    const { id, jobs } = await viewOf(await post(1, 3));
    const early = await problemOf(await service.fetch(`/v1/batches/${id}/result`));
    expect(early).toMatchObject({ status: 409, code: "result_not_ready" });
    const failing = jobs[1]?.job.id;
    service.startWorker(async (attempt) =>
      attempt.record.id === failing
        ? { type: "failed", code: "engine_failed", message: "on purpose" }
        : await succeed(service, attempt),
    );
    await until(async () => (await getBatch(id)).status === "finished");
    const view = await getBatch(id);
    expect(view).toMatchObject({ counts: { succeeded: 2, failed: 1 }, fraction: 1 });
    const response = await service.fetch(view.links.result ?? "");
    expect(response.headers.get("content-type")).toBe("application/zip");
    const path = join(folder(), "batch.zip");
    await writeFile(path, Buffer.from(await response.arrayBuffer()));
    // The first corrupt file, if any, and the names.
    const script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *z.namelist())";
    const { stdout } = await promisify(execFile)("python3", ["-c", script, path]);
    expect(stdout.trim()).toBe("None content-0_style-0.png content-0_style-2.png");
  });

  it("can be canceled and deleted as a whole", async () => {
    const { id, jobs } = await viewOf(await post(1, 2));
    const canceled = await viewOf(await service.fetch(`/v1/batches/${id}/cancel`, { method: "POST" }));
    expect(canceled).toMatchObject({
      status: "finished",
      counts: { canceled: 2 },
      links: { self: `/v1/batches/${id}` },
    });
    expect((await problemOf(await service.fetch(`/v1/batches/${id}/result`))).code).toBe("no_result");
    expect((await service.fetch(`/v1/batches/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await problemOf(await service.fetch(`/v1/batches/${id}`))).code).toBe("batch_not_found");
    for (const { job } of jobs) expect(await service.queue.find(job.id)).toBeNull();
    expect(
      (await service.storedKeys()).filter((key) => jobs.some(({ job }) => key.includes(job.id))),
    ).toEqual([]);
  });

  it("is created once for an idempotency key", async () => {
    const key = { "idempotency-key": "batch-1" };
    const [one, two] = [await post(1, 2, {}, key), await post(1, 2, {}, key)];
    expect((await viewOf(one)).id).toBe((await viewOf(two)).id);
    expect(two.headers.get("idempotency-replayed")).toBe("true");
    expect(await queued()).toBe(2);
    expect((await problemOf(await post(2, 1, {}, key))).code).toBe("idempotency_key_reused");
  });

  it("is rejected as a whole and leaves nothing behind", async () => {
    const before = await service.storedKeys();
    expect(await problemOf(await post(3, 3))).toMatchObject({
      code: "too_many_jobs",
      detail: "style: expected at most 6 jobs in a batch, received 3 contents in 3 styles = 9 jobs",
    });
    expect((await problemOf(await post(0, 1))).code).toBe("missing_content");
    const bad = new FormData();
    bad.append("content", file(await jpeg()));
    bad.append("content", file(Buffer.from("not a picture")));
    bad.append("style", file(await jpeg()));
    const rejected = await problemOf(await service.fetch("/v1/batches", { method: "POST", body: bad }));
    expect(rejected).toMatchObject({
      code: "unsupported_picture",
      detail: expect.stringMatching(/^content\[1\]: /),
    });
    expect((await post(1, 4)).status).toBe(202);
    // Four jobs are queued of at most seven, so these five do not all fit.
    expect((await problemOf(await post(1, 5))).code).toBe("queue_full");
    expect(await queued()).toBe(4);
    const left = (await service.storedKeys()).filter((key) => !before.includes(key));
    // A content and four styles.
    expect(left.length).toBe(5);
    expect(await service.spooled()).toEqual([]);
  });

  it("is accepted as JSON too", async () => {
    const picture = { base64: (await jpeg()).toString("base64") };
    const body = JSON.stringify({ content: [picture, picture], style: picture, options: { size: 64 } });
    const headers = { "content-type": "application/json" };
    const response = await service.fetch("/v1/batches", { method: "POST", headers, body });
    expect((await viewOf(response)).jobs.length).toBe(2);
  });

  it("that is rejected for its last picture or for a limit has told no webhook of any job", async () => {
    const webhook = JSON.stringify({ url: "https://example.com/", events: ["job.queued", "job.canceled"] });
    const bad = new FormData();
    for (const content of [await jpeg(), await jpeg({ seed: 2 }), Buffer.from("not a picture")])
      bad.append("content", file(content));
    bad.append("style", file(await jpeg({ seed: 3 })));
    bad.append("webhook", webhook);
    const rejected = await service.fetch("/v1/batches", { method: "POST", body: bad });
    expect((await problemOf(rejected)).code).toBe("unsupported_picture");
    expect((await post(1, 4)).status).toBe(202);
    expect((await problemOf(await post(1, 5, { webhook }))).code).toBe("queue_full");
    expect(await service.redis.llen(service.keys.outbox)).toBe(0);
    expect((await service.redis.keys("*:batch:*")).length).toBe(1);
  });

  it("goes with its last job", async () => {
    const { id, jobs } = await viewOf(await post(1, 2));
    const [first = "", second = ""] = jobs.map(({ job }) => job.id);
    await service.fetch(`/v1/jobs/${first}`, { method: "DELETE" });
    expect((await getBatch(id)).jobs.map(({ job }) => job.id)).toEqual([second]);
    await service.fetch(`/v1/jobs/${second}`, { method: "DELETE" });
    expect((await problemOf(await service.fetch(`/v1/batches/${id}`))).code).toBe("batch_not_found");
    expect(await service.redis.keys("*:batch:*")).toEqual([]);
  });
});
