import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { v7 } from "uuid";
import { jobViewSchema } from "../../src/contract/job.ts";
import { workUntilStopped } from "../support/jobs-over-http.ts";
import { succeed } from "../support/painter.ts";
import { ServiceSetting } from "../support/service-setting.ts";

let setting: ServiceSetting;
let { service, jobs } = {} as ServiceSetting;
beforeAll(async () => {
  setting = await ServiceSetting.start();
  ({ service, jobs } = setting);
});
afterEach(() => setting.clear());
afterAll(() => setting.close());

describe("A job's view", () => {
  it("tells the exact position of each waiting job", async () => {
    const first = await jobs.submit();
    const second = await jobs.submit();
    const urgent = await jobs.submit({ priority: "1" });
    expect((await jobs.look(urgent.id)).queue).toEqual({
      position: 0,
      eta_seconds: null,
      waiting_for: "worker",
    });
    expect((await jobs.look(first.id)).queue?.position).toBe(1);
    expect((await jobs.look(second.id)).queue?.position).toBe(2);
  });

  it("follows a job from queued through running to succeeded", async () => {
    const { id } = await jobs.submit();
    let finish = () => undefined as undefined;
    const finished = new Promise<undefined>((resolve) => {
      finish = () => resolve(undefined) as undefined;
    });
    const engine = {
      device: "cpu",
      name: "Zen",
      kernels: "avx2",
      tensorflow: "2.21.0",
      memory_mib: 8000,
    } as const;
    expect((await jobs.look(id)).engine).toBeNull();
    setting.startPainter(async (run) => {
      await run.update({ engine });
      await finished;
      return await succeed(service, run);
    });
    const running = await jobs.waitFor(id, "running");
    expect(running).toMatchObject({
      queue: null,
      attempts: 1,
      finished_at: null,
      links: { self: `/v1/jobs/${id}` },
    });
    expect(running.links.result).toBeUndefined();
    finish();
    const succeeded = await jobs.waitFor(id, "succeeded");
    expect(succeeded).toMatchObject({ error: null, engine, links: { result: `/v1/jobs/${id}/result` } });
    expect(succeeded.links.cancel).toBeUndefined();
    const [created, started, ended] = [succeeded.created_at, succeeded.started_at, succeeded.finished_at];
    expect([ended, started, created].sort()).toEqual([created, started, ended]);
  });

  it("shows progress, and asks to come again after about a tenth of the time that is left", async () => {
    const { id } = await jobs.submit();
    setting.startPainter(workUntilStopped);
    await jobs.waitFor(id, "running");
    await sleep(100);
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBe("10");
    const { progress } = jobViewSchema.parse(await response.json());
    expect(progress).toMatchObject({ step: 5, total_steps: 100, loss: { total: 3 } });
  });

  it("tells why a job failed, and whether it may succeed another time", async () => {
    const { id } = await jobs.submit();
    setting.startPainter(async () => ({
      type: "failed",
      code: "out_of_memory",
      message: "64 GiB were needed",
    }));
    expect((await jobs.waitFor(id, "failed")).error).toEqual({
      code: "out_of_memory",
      message: "64 GiB were needed",
      retryable: false,
    });
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBeNull();
  });

  it("is answered with 304 until it changes", async () => {
    const { id } = await jobs.submit();
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
    await jobs.submit({ priority: "1" });
    expect((await again(etag)).status).toBe(200);
    const moved = (await service.fetch(`/v1/jobs/${id}`)).headers.get("etag") ?? "";
    await service.queue.cancel(id);
    expect((await again(moved)).status).toBe(200);
  });

  it.each([v7(), "1", "..%2f..%2fetc%2fpasswd", "00000000-0000-0000-0000-000000000000"])(
    "of the id %s does not exist, whatever is asked of it",
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
