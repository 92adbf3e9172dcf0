import { rename, rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { deregisterWorker } from "../../src/jobs/scheduling/worker-registry.ts";
import { sendFakeHeartbeat } from "../support/fake-worker.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
let operatorKey: string;
beforeAll(async () => {
  service = await TestService.start();
  operatorKey = await service.createKey("admin");
});
afterAll(() => service.stop());

async function metrics(of = service): Promise<Map<string, number>> {
  const headers = of === service ? { authorization: `Bearer ${operatorKey}` } : {};
  const response = await of.fetch("/metrics", { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describe("/metrics", () => {
  it("counts jobs by status, and has the age of the oldest queued job", async () => {
    expect((await metrics()).get("nst_queue_oldest_job_age_seconds")).toBe(0);
    const body = await form();
    const { id } = (await (await service.fetch("/v1/jobs", { method: "POST", body })).json()) as {
      id: string;
    };
    await service.fetch("/v1/jobs", { method: "POST", body: await form() });
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    const found = await until(async () => {
      const read = await metrics();
      return Number(read.get("nst_queue_oldest_job_age_seconds")) > 0.2 && read;
    });
    expect(found.get('nst_jobs{status="queued"}')).toBe(1);
    expect(found.get('nst_jobs{status="canceled"}')).toBe(1);
    expect(found.get('nst_jobs{status="running"}')).toBe(0);
    expect(found.get("nst_jobs_accepted_total")).toBe(2);
    expect(found.get("nst_redis_up")).toBe(1);
    expect(found.get('nst_workers{state="ready"}')).toBe(0);
    expect(found.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  });

  it("counts requests by their duration", async () => {
    for (let times = 0; times < 3; times++) await service.fetch("/livez");
    const found = await metrics();
    const name = "nst_http_request_duration_seconds";
    const labels = 'method="GET",route="/livez",status="200"';
    expect(found.get(`${name}_count{${labels}}`)).toBe(3);
    expect(found.get(`${name}_bucket{le="+Inf",${labels}}`)).toBe(3);
    expect(found.get(`${name}_bucket{le="60",${labels}}`)).toBe(3);
    expect(found.get(`${name}_sum{${labels}}`)).toBeGreaterThan(0);
    expect(found.get(`${name}_sum{${labels}}`)).toBeLessThan(3);
  });

  it("has the durations of jobs and steps, and the memory of engines", async () => {
    const reported = { step_ms: 250, engine_resident_bytes: 1_000_000, job: "j" };
    await sendFakeHeartbeat(service, { id: "w", seconds_per_cost: 0.01, free_in_seconds: 0, ...reported });
    service.startWorker();
    await until(async () => (await service.queue.statistics.countByStatus()).queued === 0);
    await service.stopWorkers();
    const found = await metrics();
    expect(found.get('nst_job_duration_seconds_count{status="succeeded"}')).toBe(1);
    expect(found.get('nst_job_duration_seconds_bucket{status="succeeded",le="+Inf"}')).toBe(1);
    expect(found.get('nst_job_duration_seconds_bucket{status="succeeded",le="14400"}')).toBe(1);
    expect(found.get('nst_job_duration_seconds_sum{status="succeeded"}')).toBeGreaterThan(0);
    expect(found.get('nst_step_duration_seconds{worker="w"}')).toBe(0.25);
    expect(found.get('nst_engine_resident_bytes{worker="w"}')).toBe(1_000_000);
  });

  it("counts each accepted job once, also those of batches", async () => {
    const accepted = async () => (await metrics()).get("nst_jobs_accepted_total") ?? 0;
    const before = await accepted();
    const headers = { "idempotency-key": "once" };
    for (const _ of ["first", "again"]) {
      const answer = await service.fetch("/v1/batches", { method: "POST", headers, body: await form({}, 3) });
      expect(answer.status).toBe(202);
    }
    expect((await accepted()) - before).toBe(3);
  });

  it("counts failed jobs by error code", async () => {
    const error = { code: "out_of_memory", message: "on purpose" } as const;
    service.startWorker(async () => ({ type: "failed", ...error }));
    await until(async () => (await service.queue.statistics.countByStatus()).failed === 3);
    await service.stopWorkers();
    const found = await metrics();
    expect(found.get('nst_jobs_failed_total{code="out_of_memory"}')).toBe(3);
    expect(found.get('nst_jobs_failed_total{code="engine_crashed"}')).toBe(0);
  });

  it("counts each lost worker once, and not those that stopped", async () => {
    await sendFakeHeartbeat(service, { id: "dies" });
    await sendFakeHeartbeat(service, { id: "stops" });
    expect((await metrics()).get("nst_workers_lost_total")).toBe(0);
    await deregisterWorker(service.redis, service.keys, "stops");
    await service.redis.del(service.keys.worker("dies"));
    await metrics();
    expect((await metrics()).get("nst_workers_lost_total")).toBe(1);
  });

  it("has the age of the oldest unsent webhook event", async () => {
    expect((await metrics()).get("nst_webhook_oldest_event_age_seconds")).toBe(0);
    const webhook = JSON.stringify({ url: "http://192.0.32.10/", events: ["job.queued"] });
    const answer = await service.fetch("/v1/jobs", { method: "POST", body: await form({ webhook }) });
    expect(answer.status).toBe(202);
    // No process sends webhooks in this test.
    await until(async () => Number((await metrics()).get("nst_webhook_oldest_event_age_seconds")) > 0.2);
  });

  it("reports whether pictures can be stored, and the free disk space", async () => {
    const { storage } = service.config;
    if (storage.type !== "filesystem") throw new Error("expected a folder");
    const found = await metrics();
    expect(found.get("nst_store_up")).toBe(1);
    expect(found.get('nst_free_bytes{folder="spool"}')).toBeGreaterThan(0);
    expect(found.get('nst_free_bytes{folder="store"}')).toBeGreaterThan(0);
    await rename(storage.directory, `${storage.directory}-away`);
    await writeFile(storage.directory, "");
    expect((await metrics()).get("nst_store_up")).toBe(0);
    await rm(storage.directory);
    await rename(`${storage.directory}-away`, storage.directory);
    expect((await metrics()).get("nst_store_up")).toBe(1);
  });

  it("labels requests with the pattern of the route", async () => {
    await service.fetch("/v1/jobs/one");
    await service.fetch("/v1/jobs/two");
    await service.fetch("/nowhere/else");
    const found = await metrics();
    const count = (route: string) =>
      found.get(`nst_http_request_duration_seconds_count{method="GET",route="${route}",status="404"}`);
    expect(count("/v1/jobs/:id")).toBe(2);
    expect(count("none")).toBe(1);
  });

  it("reports that Redis cannot be reached, without outdated values, with and without API keys", async () => {
    const open = await TestService.start({ ANONYMOUS_ACCESS: "loopback" });
    try {
      for (const one of [service, open]) {
        await one.redisServer.kill();
        const found = await metrics(one);
        expect(found.get("nst_redis_up")).toBe(0);
        expect(found.has('nst_jobs{status="queued"}')).toBe(false);
        expect(found.has("nst_workers_lost_total")).toBe(false);
        expect(found.has("nst_webhook_oldest_event_age_seconds")).toBe(false);
        expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
        await one.redisServer.start();
        await until(async () => (await metrics(one)).get("nst_redis_up") === 1);
      }
      expect((await metrics()).get('nst_jobs{status="succeeded"}')).toBe(1);
    } finally {
      await open.stop();
    }
  });
});

describe("/docs", () => {
  it("documents every operation and problem, without external files", async () => {
    const response = await service.fetch("/docs");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    const page = await response.text();
    for (const text of ["POST /v1/jobs", "GET /v1/jobs/{id}/events", 'id="problem-too_many_styles"']) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/<script|https?:\/\//);
  });

  it("has an anchor for the type of each problem", async () => {
    const { type } = (await (await service.fetch("/nowhere")).json()) as { type: string };
    const [path = "", fragment] = type.split("#");
    const page = await (await service.fetch(path)).text();
    expect(page).toContain(`id="${fragment}"`);
  });

  it("is also available as openapi.yaml", async () => {
    const response = await service.fetch("/openapi.yaml");
    expect(response.headers.get("content-type")).toBe("application/yaml");
    expect(await response.text()).toMatch(/^openapi: 3\.1\.0/);
  });
});
