import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { methodOptions } from "../../src/contract/presets.ts";
import { problemSchema } from "../../src/contract/problems.ts";
import { deleteUnusedPictures } from "../../src/jobs/pictures/delete-blobs.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { EventReader } from "../support/event-stream.ts";
import { succeed } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { png } from "../support/pictures.ts";
import { file, form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(async () => {
  await service.stopWorkers();
});
afterAll(() => service.stop());

async function submit(options: object = { size: 64 }): Promise<JobView> {
  const body = await form({ options: JSON.stringify(options) });
  body.append("style_mask", file(await png({ channels: 1 })));
  return jobViewSchema.parse(await (await service.fetch("/v1/jobs", { method: "POST", body })).json());
}
function send(
  method: string,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  const json = { "content-type": "application/json", ...headers };
  return service.fetch(`/v1/jobs/${path}`, { method, headers: json, body: JSON.stringify(body) });
}
async function viewOf(response: Response): Promise<JobView> {
  expect([response.status < 300, response.status < 300 || (await response.clone().text())]).toEqual([
    true,
    true,
  ]);
  return jobViewSchema.parse(await response.json());
}
async function problemOf(response: Response) {
  const { status, code, detail } = problemSchema.parse(await response.json());
  return { status, code, detail };
}
function untilStatus(id: string, status: string): Promise<JobRecord> {
  return until(async () => {
    const record = await service.queue.find(id);
    return record?.status === status && record;
  });
}

describe("Updating options", () => {
  it("updates the worker, event streams and the record", async () => {
    const { id } = await submit();
    const seen: JobRecord[] = [];
    service.startWorker(async (run) => {
      run.onOptionsChanged((record) => seen.push(record));
      await until(() => run.signal.aborted || seen.at(-1)?.options_version === 2);
      return await succeed(service, run);
    });
    await untilStatus(id, "running");
    const events = new EventReader(await service.fetch(`/v1/jobs/${id}/events`));
    expect((await events.next())?.event).toBe("status");
    const view = await viewOf(
      await send("PATCH", id, { style_weight: 77, content_layers: { block3_conv1: 1 } }),
    );
    expect(view).toMatchObject({
      options_version: 1,
      options: { style_weight: 77, content_layers: { block3_conv1: 1 }, content_weight: 1 },
    });
    const event = await events.next();
    expect(event).toMatchObject({
      event: "options",
      data: { options_version: 1, options: { style_weight: 77 } },
    });
    await viewOf(await send("PATCH", id, { preview_interval: 3 }));
    const ended = await untilStatus(id, "succeeded");
    expect(ended).toMatchObject({ options_version: 2, options: { style_weight: 77, preview_interval: 3 } });
    expect(seen.at(-1)?.options).toEqual(ended.options);
    while (await events.next());
  });

  it("changes a queued job too", async () => {
    const { id } = await submit();
    expect((await viewOf(await send("PATCH", id, { tv_weight: 9 }))).options.tv_weight).toBe(9);
    const given: number[] = [];
    service.startWorker(async (run) => {
      given.push(run.record.options.tv_weight);
      return await succeed(service, run);
    });
    await untilStatus(id, "succeeded");
    expect(given).toEqual([9]);
  });

  it("rejects empty, unchangeable and invalid options, and jobs that have ended", async () => {
    const { id } = await submit();
    for (const [body, code, detail] of [
      [{}, "invalid_options", /at least one option/],
      [{ steps: 5 }, "invalid_options", /steps/],
      [{ style_weight: -1 }, "invalid_options", /style_weight: expected at least 0, received -1/],
      [{ style_weights: [1, 2] }, "invalid_options", /one weight for each of 1 styles/],
    ] as const) {
      const problem = await problemOf(await send("PATCH", id, body));
      expect(problem.code).toBe(code);
      expect(problem.detail).toMatch(detail);
    }
    expect((await service.queue.find(id))?.options_version).toBe(0);
    await service.queue.cancel(id);
    expect(await problemOf(await send("PATCH", id, { tv_weight: 1 }))).toEqual({
      status: 409,
      code: "not_updatable",
      detail: "Expected a queued or running job, received a canceled one",
    });
  });
});

describe("Continuing", () => {
  const succeeded = async (options?: object): Promise<JobView> => {
    const view = await submit(options);
    service.startWorker();
    await untilStatus(view.id, "succeeded");
    await service.stopWorkers();
    return view;
  };

  it("creates a job with the same pictures that starts from the result", async () => {
    const before = await succeeded({ size: 64, steps: 30, style_weight: 5, noise: 0.1, scales: 2 });
    const options = { steps: 12, size: 96, style_distance: "gram", output: { format: "webp" } };
    const response = await send("POST", `${before.id}/continue`, { options, metadata: { order: 1 } });
    expect(response.headers.get("location")).toMatch(/^\/v1\/jobs\//);
    const view = await viewOf(response);
    expect(view).toMatchObject({ status: "queued", continued_from: before.id, metadata: { order: 1 } });
    expect(view.options).toEqual({
      ...before.options,
      ...methodOptions("gram"),
      style_distance: "gram",
      ...{ steps: 12, size: 96, scales: 1, noise: 0, init: "picture" },
      output: { ...before.options.output, format: "webp" },
    });
    const record = await service.queue.find(view.id);
    const source = await service.queue.find(before.id);
    // The new job needs nothing of the previous one, which may be deleted.
    const painted = await service.store.read(source?.result?.key ?? "");
    expect((await service.fetch(`/v1/jobs/${before.id}`, { method: "DELETE" })).status).toBe(204);
    const read = async (key: string | null | undefined) => Buffer.from(await service.store.read(key ?? ""));
    expect((await read(record?.init_picture)).equals(Buffer.from(painted))).toBe(true);
    for (const key of [record?.content, record?.styles[0], record?.style_masks?.[0]])
      expect((await read(key)).length).toBeGreaterThan(0);
  });

  it("creates one job for an idempotency key", async () => {
    const { id } = await succeeded();
    const key = { "idempotency-key": `continue-${id}` };
    const [one, two] = [
      await send("POST", `${id}/continue`, {}, key),
      await send("POST", `${id}/continue`, {}, key),
    ];
    expect((await viewOf(one)).id).toBe((await viewOf(two)).id);
    expect(two.headers.get("idempotency-replayed")).toBe("true");
    expect((await problemOf(await send("POST", `${id}/continue`, { priority: 1 }, key))).code).toBe(
      "idempotency_key_reused",
    );
  });

  it("rejects jobs that have not succeeded or have no pictures, and invalid options", async () => {
    const waiting = await submit();
    expect((await problemOf(await send("POST", `${waiting.id}/continue`, {}))).code).toBe("not_continuable");
    const { id } = await succeeded();
    const rejected = async (options: object) =>
      (await problemOf(await send("POST", `${id}/continue`, { options }))).code;
    expect(await rejected({ size: "90x" })).toBe("invalid_options");
    expect(await rejected({ init: "noise" })).toBe("invalid_options");
    const { queue } = service;
    await queue.records.expire(id, (await queue.records.now()) + 60_000);
    await deleteUnusedPictures(queue.pictures, service.store);
    expect(await rejected({})).toBe("result_expired");
  });
});
