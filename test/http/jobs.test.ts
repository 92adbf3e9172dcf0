import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { v7 } from "uuid";
import { jobViewSchema } from "../../src/contract/job.ts";
import { runUntilStopped, succeed } from "../support/fake-job-processors.ts";
import { ENGINE } from "../support/fake-worker.ts";
import { TestService } from "../support/harness/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(() => service.clear());
afterAll(() => service.stop());

describe("A job's view", () => {
  it("has the exact position of each queued job", async () => {
    const first = await service.submit();
    const second = await service.submit();
    const urgent = await service.submit({ priority: "1" });
    expect((await service.job(urgent.id)).queue).toEqual({
      position: 0,
      eta_seconds: null,
      waiting_for: "worker",
    });
    expect((await service.job(first.id)).queue?.position).toBe(1);
    expect((await service.job(second.id)).queue?.position).toBe(2);
  });

  it("reflects a job from queued through running to succeeded", async () => {
    const { id } = await service.submit();
    let finish = () => undefined as undefined;
    const finished = new Promise<undefined>((resolve) => {
      finish = () => resolve(undefined) as undefined;
    });
    expect((await service.job(id)).engine).toBeNull();
    service.startWorker(async (run) => {
      await run.update({ engine: ENGINE });
      await finished;
      return await succeed(service, run);
    });
    const running = await service.untilStatus(id, "running");
    expect(running).toMatchObject({
      queue: null,
      attempts: 1,
      finished_at: null,
      links: { self: `/v1/jobs/${id}` },
    });
    expect(running.links.result).toBeUndefined();
    finish();
    const succeeded = await service.untilStatus(id, "succeeded");
    expect(succeeded).toMatchObject({
      error: null,
      engine: ENGINE,
      links: { result: `/v1/jobs/${id}/result` },
    });
    expect(succeeded.links.cancel).toBeUndefined();
    const [created, started, ended] = [succeeded.created_at, succeeded.started_at, succeeded.finished_at];
    expect([ended, started, created].sort()).toEqual([created, started, ended]);
  });

  it("has the progress, and a Retry-After of a tenth of the remaining time", async () => {
    const { id } = await service.submit();
    service.startWorker(runUntilStopped);
    await service.untilStatus(id, "running");
    await until(async () => (await service.job(id)).progress !== null);
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBe("10");
    const { progress } = jobViewSchema.parse(await response.json());
    expect(progress).toMatchObject({ step: 5, total_steps: 100, loss: { total: 3 } });
  });

  it("has the error of a failed job, and whether a retry may succeed", async () => {
    const { id } = await service.submit();
    service.startWorker(async () => ({
      type: "failed",
      code: "out_of_memory",
      message: "64 GiB were needed",
    }));
    expect((await service.untilStatus(id, "failed")).error).toEqual({
      code: "out_of_memory",
      message: "64 GiB were needed",
      retryable: false,
    });
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBeNull();
  });

  it("responds with 304 until the job changes", async () => {
    const { id } = await service.submit();
    const first = await service.fetch(`/v1/jobs/${id}`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const again = (tag: string) => service.fetch(`/v1/jobs/${id}`, { headers: { "if-none-match": tag } });
    const unchanged = await again(etag);
    expect(unchanged.status).toBe(304);
    expect(await unchanged.text()).toBe("");
    expect(unchanged.headers.get("etag")).toBe(etag);
    expect(unchanged.headers.get("retry-after")).not.toBeNull();
    expect((await again('"another"')).status).toBe(200);
    await service.submit({ priority: "1" });
    expect((await again(etag)).status).toBe(200);
    const moved = (await service.fetch(`/v1/jobs/${id}`)).headers.get("etag") ?? "";
    await service.queue.cancel(id);
    expect((await again(moved)).status).toBe(200);
  });

  it.each([v7(), "1", "..%2f..%2fetc%2fpasswd", "00000000-0000-0000-0000-000000000000"])(
    "responds with 404 for the id %s on every route",
    async (id) => {
      const calls = [
        service.fetch(`/v1/jobs/${id}`),
        service.fetch(`/v1/jobs/${id}/result`),
        service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" }),
        service.fetch(`/v1/jobs/${id}/retry`, { method: "POST" }),
        service.fetch(`/v1/jobs/${id}`, { method: "DELETE" }),
      ];
      for (const response of await Promise.all(calls)) {
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: "job_not_found", status: 404 });
      }
    },
  );
});
