import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { expireJobs } from "../../src/maintenance/expire-jobs.ts";
import { runUntilStopped } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(() => service.clear());
afterAll(() => service.stop());

describe("Cancelling", () => {
  const cancel = (id: string) => service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });

  it("cancels a queued job, and returns the same when repeated", async () => {
    const { id } = await service.submit();
    for (let times = 0; times < 2; times += 1) {
      const response = await cancel(id);
      expect(response.status).toBe(200);
      expect(jobViewSchema.parse(await response.json())).toMatchObject({ status: "canceled", queue: null });
    }
    expect((await service.job(id)).status).toBe("canceled");
  });

  it("stops a running job", async () => {
    const { id } = await service.submit();
    let stopped = false;
    service.startWorker(async (run) => {
      const outcome = await runUntilStopped(run);
      stopped = true;
      return outcome;
    });
    await service.untilStatus(id, "running");
    expect(await (await cancel(id)).json()).toMatchObject({ status: "canceled" });
    await until(() => stopped);
  });

  it("does not change a job that has ended", async () => {
    const { id } = await service.submit();
    service.startWorker();
    await service.untilStatus(id, "succeeded");
    const response = await cancel(id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "succeeded" });
  });
});

describe("Retrying", () => {
  const retry = (id: string) => service.fetch(`/v1/jobs/${id}/retry`, { method: "POST" });

  it("queues a canceled job again", async () => {
    const { id } = await service.submit();
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    const response = await retry(id);
    expect(response.status).toBe(202);
    expect(jobViewSchema.parse(await response.json())).toMatchObject({ status: "queued", attempts: 0 });
    service.startWorker();
    await service.untilStatus(id, "succeeded");
  });

  it("resets the start time", async () => {
    const { id } = await service.submit();
    service.startWorker(runUntilStopped);
    expect((await service.untilStatus(id, "running")).started_at).not.toBeNull();
    await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
    await service.stopWorkers();
    expect(await (await retry(id)).json()).toMatchObject({ status: "queued", started_at: null });
  });

  it("responds with 409 for a succeeded job", async () => {
    const { id } = await service.submit();
    service.startWorker();
    await service.untilStatus(id, "succeeded");
    const response = await retry(id);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "not_retryable" });
  });
});

describe("A job that has expired", () => {
  it("is still visible, but its result is gone", async () => {
    const succeeded = await service.submit();
    service.startWorker();
    await service.untilStatus(succeeded.id, "succeeded");
    await service.stopWorkers();
    await expireJobs(service.queue, service.store, Date.now() + service.config.resultSeconds * 1000 + 1000);
    expect((await service.job(succeeded.id)).links.result).toBeUndefined();
    const result = await service.fetch(`/v1/jobs/${succeeded.id}/result`);
    expect(result.status).toBe(410);
    expect(await result.json()).toMatchObject({ code: "result_expired", retryable: false });
  });

  it("cannot be retried, because its pictures have been deleted", async () => {
    const short = await TestService.start({ RESULT_TTL_SECONDS: "1" });
    try {
      const response = await short.fetch("/v1/jobs", { method: "POST", body: await form() });
      const { links } = (await response.json()) as JobView;
      await short.fetch(links.cancel ?? "", { method: "POST" });
      // Time itself is tested here: the second that a job is kept.
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
  it("removes a job and its pictures", async () => {
    const { id } = await service.submit();
    const other = await service.submit();
    service.startWorker();
    await service.untilStatus(id, "succeeded");
    await service.untilStatus(other.id, "succeeded");
    const response = await service.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect((await service.fetch(`/v1/jobs/${id}`)).status).toBe(404);
    const keys = await service.storedKeys();
    expect(keys.some((key) => key.includes(id))).toBe(false);
    expect(keys.filter((key) => key.includes(other.id))).toHaveLength(1);
    expect(await service.inputs(other.id)).toHaveLength(2);
  });
});
