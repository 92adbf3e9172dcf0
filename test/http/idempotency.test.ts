import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function post(key: string, fields: Record<string, string> = {}, styles = 1): Promise<Response> {
  const body = await form({ options: '{"size":64}', ...fields }, styles);
  return await service.fetch("/v1/jobs", { method: "POST", body, headers: { "idempotency-key": key } });
}
const countJobs = async () => (await service.queue.list({ limit: 1000 })).length;

describe("An idempotency key", () => {
  it("creates one job for repeated requests, and returns the first response", async () => {
    const before = await countJobs();
    const first = await post("one");
    expect(first.status).toBe(202);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const body = await first.json();
    const { id } = body as JobView;
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    for (let times = 0; times < 3; times += 1) {
      const again = await post("one");
      expect(again.status).toBe(202);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      expect(again.headers.get("location")).toBe(`/v1/jobs/${id}`);
      expect(await again.json()).toEqual(body);
    }
    expect(await countJobs()).toBe(before + 1);
  });

  it("is the same with quotes", async () => {
    const first = (await (await post("quoted")).json()) as JobView;
    const again = (await (await post('"quoted"')).json()) as JobView;
    expect(again.id).toBe(first.id);
  });

  it.each([
    ["other options", { options: '{"size":65}' }, 1],
    ["another picture", {}, 2],
    ["metadata", { metadata: '{"a":1}' }, 1],
  ])("is rejected for a request with %s", async (what, fields, styles) => {
    const key = `reused-${what.replaceAll(" ", "-")}`;
    await post(key);
    const response = await post(key, fields as Record<string, string>, styles);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: "idempotency_key_reused", retryable: false });
  });

  it("creates one job for requests that arrive at the same time", async () => {
    const before = await countJobs();
    const responses = await Promise.all(Array.from({ length: 8 }, () => post("race")));
    const ids = new Set<string>();
    for (const response of responses) {
      const body = (await response.json()) as { id: string; code: string };
      expect([202, 409]).toContain(response.status);
      if (response.status === 202) ids.add(body.id);
      else expect(body.code).toBe("request_in_flight");
    }
    expect(ids.size).toBe(1);
    expect(await countJobs()).toBe(before + 1);
    expect((await post("race")).status).toBe(202);
  });

  it("is not used up by a rejected request", async () => {
    expect((await post("corrected", { options: '{"size":1}' })).status).toBe(422);
    expect((await post("corrected")).status).toBe(202);
    // This error is found only after the pictures have been read.
    expect((await post("late", { options: '{"size":64,"style_weights":[1,2]}' })).status).toBe(422);
    expect((await post("late")).status).toBe(202);
  });

  it("returns the job that a crashed process has started, instead of a second one", async () => {
    const first = (await (await post("died")).json()) as JobView;
    // Such a process leaves an id without a response; the job may have been submitted.
    const simulateCrash = async () => {
      for (const key of await service.redis.keys("*idempotency:*")) {
        const entry = JSON.parse((await service.redis.get(key)) ?? "{}") as { job: string };
        if (entry.job === first.id)
          await service.redis.set(key, JSON.stringify({ ...entry, response: null }));
      }
    };
    await simulateCrash();
    const before = await countJobs();
    const again = await post("died");
    expect(again.status).toBe(202);
    expect(((await again.json()) as JobView).id).toBe(first.id);
    await simulateCrash();
    await service.fetch(`/v1/jobs/${first.id}/cancel`, { method: "POST" });
    const ended = await post("died");
    expect(ended.status).toBe(200);
    expect((await ended.json()) as JobView).toMatchObject({ id: first.id, status: "canceled" });
    expect(await countJobs()).toBe(before);
  });

  it("is rejected on another route, also if the form is the same", async () => {
    await post("routes");
    const body = await form({ options: '{"size":64}' });
    const headers = { "idempotency-key": "routes" };
    const response = await service.fetch("/v1/batches", { method: "POST", body, headers });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: "idempotency_key_reused" });
  });

  it("works after an outage of Redis", async () => {
    await service.redisServer.kill();
    expect((await post("outage")).status).toBe(503);
    await service.redisServer.start();
    await until(async () => (await post("outage")).status === 202);
  });

  it.each(["with spaces", "x".repeat(256), "é"])("is rejected if it is malformed: %j", async (key) => {
    const response = await post(key);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("works for JSON too", async () => {
    const picture = { base64: (await jpeg()).toString("base64") };
    const send = async (size: number) =>
      await service.fetch("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "json" },
        body: JSON.stringify({ content: picture, style: picture, options: { size } }),
      });
    const first = (await (await send(64)).json()) as JobView;
    expect(((await (await send(64)).json()) as JobView).id).toBe(first.id);
    expect((await send(65)).status).toBe(422);
  });
});
