import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { v7 } from "uuid";
import { type JobStatus, type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { expireJobs } from "../../src/housekeeping/expiry.ts";
import type { JobRun } from "../../src/queue/worker/job-run.ts";
import { succeed, TestPainter } from "../support/painter.ts";
import { TestService } from "../support/service.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
let painter: TestPainter | null = null;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(async () => {
  await painter?.stop();
  painter = null;
  await service.redis.flushall();
});
afterAll(() => service.stop());

async function submit(fields: Record<string, string> = { options: '{"size":64}' }): Promise<JobView> {
  const response = await service.fetch("/v1/jobs", { method: "POST", body: await form(fields) });
  expect(response.status).toBe(202);
  return jobViewSchema.parse(await response.json());
}
async function look(id: string): Promise<JobView> {
  const response = await service.fetch(`/v1/jobs/${id}`);
  expect(response.status).toBe(200);
  return jobViewSchema.parse(await response.json());
}
async function waitFor(id: string, status: JobStatus): Promise<JobView> {
  for (let tries = 0; tries < 300; tries += 1) {
    const view = await look(id);
    if (view.status === status) return view;
    await sleep(20);
  }
  throw new Error(`the job did not become ${status}`);
}
/** Works until it is stopped. */
const work = async ({ signal, update }: JobRun) => {
  await update({
    progress: {
      step: 5,
      total_steps: 100,
      fraction: 0.05,
      scale: { index: 0, count: 1, width: 64, height: 48 },
      loss: { total: 3, content: 1, style: 1.5, tv: 0.5 },
      step_ms: 100,
      eta_seconds: 95,
    },
  });
  while (!signal.aborted) await sleep(10);
  return { type: "stopped" as const };
};

describe("A job's view", () => {
  it("tells the exact position of each waiting job", async () => {
    const first = await submit();
    const second = await submit();
    const urgent = await submit({ priority: "1" });
    expect((await look(urgent.id)).queue).toEqual({ position: 0, eta_seconds: null, waiting_for: "worker" });
    expect((await look(first.id)).queue?.position).toBe(1);
    expect((await look(second.id)).queue?.position).toBe(2);
  });

  it("follows a job from queued through running to succeeded", async () => {
    const { id } = await submit();
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
    expect((await look(id)).engine).toBeNull();
    painter = TestPainter.start(service, async (run) => {
      await run.update({ engine });
      await finished;
      return await succeed(service, run);
    });
    const running = await waitFor(id, "running");
    expect(running).toMatchObject({
      queue: null,
      attempts: 1,
      finished_at: null,
      links: { self: `/v1/jobs/${id}` },
    });
    expect(running.links.result).toBeUndefined();
    finish();
    const succeeded = await waitFor(id, "succeeded");
    expect(succeeded).toMatchObject({ error: null, engine, links: { result: `/v1/jobs/${id}/result` } });
    expect(succeeded.links.cancel).toBeUndefined();
    const [created, started, ended] = [succeeded.created_at, succeeded.started_at, succeeded.finished_at];
    expect([ended, started, created].sort()).toEqual([created, started, ended]);
  });

  it("shows progress, and asks to come again after about a tenth of the time that is left", async () => {
    const { id } = await submit();
    painter = TestPainter.start(service, work);
    await waitFor(id, "running");
    await sleep(100);
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBe("10");
    const { progress } = jobViewSchema.parse(await response.json());
    expect(progress).toMatchObject({ step: 5, total_steps: 100, loss: { total: 3 } });
  });

  it("tells why a job failed, and whether it may succeed another time", async () => {
    const { id } = await submit();
    painter = TestPainter.start(service, async () => ({
      type: "failed",
      code: "out_of_memory",
      message: "64 GiB were needed",
    }));
    expect((await waitFor(id, "failed")).error).toEqual({
      code: "out_of_memory",
      message: "64 GiB were needed",
      retryable: false,
    });
    const response = await service.fetch(`/v1/jobs/${id}`);
    expect(response.headers.get("retry-after")).toBeNull();
  });

  it("is answered with 304 until it changes", async () => {
    const { id } = await submit();
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
    await submit({ priority: "1" });
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

describe("Cancelling", () => {
  const cancel = (id: string) => service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });

  it("stops a queued job, and says the same again", async () => {
    const { id } = await submit();
    for (let times = 0; times < 2; times += 1) {
      const response = await cancel(id);
      expect(response.status).toBe(200);
      expect(jobViewSchema.parse(await response.json())).toMatchObject({ status: "canceled", queue: null });
    }
    expect((await look(id)).status).toBe("canceled");
  });

  it("stops a running job", async () => {
    const { id } = await submit();
    let stopped = false;
    painter = TestPainter.start(service, async (run) => {
      const outcome = await work(run);
      stopped = true;
      return outcome;
    });
    await waitFor(id, "running");
    expect(await (await cancel(id)).json()).toMatchObject({ status: "canceled" });
    for (let tries = 0; tries < 100 && !stopped; tries += 1) await sleep(10);
    expect(stopped).toBe(true);
  });

  it("leaves a job that has ended as it is", async () => {
    const { id } = await submit();
    painter = TestPainter.start(service, (run) => succeed(service, run));
    await waitFor(id, "succeeded");
    const response = await cancel(id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "succeeded" });
  });
});

describe("Retrying", () => {
  const retry = (id: string) => service.fetch(`/v1/jobs/${id}/retry`, { method: "POST" });

  it("queues a canceled job again", async () => {
    const { id } = await submit();
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    const response = await retry(id);
    expect(response.status).toBe(202);
    expect(jobViewSchema.parse(await response.json())).toMatchObject({ status: "queued", attempts: 0 });
    painter = TestPainter.start(service, (run) => succeed(service, run));
    await waitFor(id, "succeeded");
  });

  it("begins anew: the time of its first life does not count", async () => {
    const { id } = await submit();
    painter = TestPainter.start(service, work);
    expect((await waitFor(id, "running")).started_at).not.toBeNull();
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    await painter.stop();
    expect(await (await retry(id)).json()).toMatchObject({ status: "queued", started_at: null });
  });

  it("refuses a succeeded job", async () => {
    const { id } = await submit();
    painter = TestPainter.start(service, (run) => succeed(service, run));
    await waitFor(id, "succeeded");
    const response = await retry(id);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "not_retryable" });
  });
});

describe("A job that has expired", () => {
  it("is still known, its result is gone for good", async () => {
    const succeeded = await submit();
    painter = TestPainter.start(service, (run) => succeed(service, run));
    await waitFor(succeeded.id, "succeeded");
    await painter.stop();
    painter = null;
    await expireJobs(service.queue, service.store, Date.now() + service.config.resultSeconds * 1000 + 1000);
    expect((await look(succeeded.id)).links.result).toBeUndefined();
    const result = await service.fetch(`/v1/jobs/${succeeded.id}/result`);
    expect(result.status).toBe(410);
    expect(await result.json()).toMatchObject({ code: "result_expired", retryable: false });
  });

  it("cannot be retried: its pictures are gone", async () => {
    const short = await TestService.start({ RESULT_TTL_SECONDS: "1" });
    try {
      const response = await short.fetch("/v1/jobs", { method: "POST", body: await form() });
      const { links } = (await response.json()) as JobView;
      await short.fetch(links.cancel ?? "", { method: "POST" });
      await sleep(1100);
      const expectExpired = async () => {
        const retried = await short.fetch(`${links.self}/retry`, { method: "POST" });
        expect(retried.status).toBe(410);
        expect(await retried.json()).toMatchObject({ code: "result_expired" });
      };
      await expectExpired();
      // Also by a process whose clock is behind.
      jest.spyOn(Date, "now").mockReturnValue(Date.now() - 3600_000);
      await expectExpired();
    } finally {
      jest.restoreAllMocks();
      await short.stop();
    }
  });
});

describe("Deleting", () => {
  it("forgets a job and its pictures", async () => {
    const { id } = await submit();
    const other = await submit();
    painter = TestPainter.start(service, (run) => succeed(service, run));
    await waitFor(id, "succeeded");
    await waitFor(other.id, "succeeded");
    const response = await service.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect((await service.fetch(`/v1/jobs/${id}`)).status).toBe(404);
    const keys = await service.storedKeys();
    expect(keys.some((key) => key.includes(id))).toBe(false);
    expect(keys.filter((key) => key.includes(other.id))).toHaveLength(3);
  });
});
