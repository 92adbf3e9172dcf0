import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import { succeed } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function finish(id: string): Promise<{ status: number; body: JobView & { code: string } }> {
  const response = await service.fetch(`/v1/jobs/${id}/finish`, { method: "POST" });
  return { status: response.status, body: (await response.json()) as JobView & { code: string } };
}

const progress = (step: number) => ({
  ...{ step, total_steps: 9, fraction: step / 9, loss: null, step_ms: 1, eta_seconds: 1 },
  scale: { index: 0, count: 2, width: 32, height: 24 },
});

describe("POST /v1/jobs/{id}/finish", () => {
  it("is rejected with a code that says why, and else ends the job early with its result", async () => {
    const { id } = await service.submit();
    expect(await finish(id)).toMatchObject({
      status: 409,
      body: { code: "nothing_painted", retryable: true },
    });
    service.startWorker(async (run) => {
      await run.update({ progress: progress(0) });
      expect(await finish(id)).toMatchObject({ status: 409, body: { code: "nothing_painted" } });
      expect((await service.job(id)).links.finish).toBeUndefined();
      await run.update({ progress: progress(3) });
      const view = await service.job(id);
      expect(view.links.finish).toBe(`/v1/jobs/${id}/finish`);
      for (let times = 0; times < 2; times += 1) {
        expect(await finish(id)).toMatchObject({ status: 202, body: { id, status: "running" } });
      }
      await until(() => run.finishRequested.aborted);
      const outcome = await succeed(service, run);
      if (outcome.type !== "succeeded") return outcome;
      return { ...outcome, fields: { ...outcome.fields, progress: progress(3), finished_early: true } };
    });
    const ended = await service.untilStatus(id, "succeeded");
    expect(ended).toMatchObject({
      finished_early: true,
      progress: { step: 3, scale: { index: 0, width: 32 } },
    });
    expect((await service.fetch(ended.links.result ?? "")).status).toBe(200);
    expect(await finish(id)).toMatchObject({ status: 202, body: { status: "succeeded" } });
    await service.stopWorkers();
    const canceled = await service.submit();
    await service.fetch(`/v1/jobs/${canceled.id}/cancel`, { method: "POST" });
    expect(await finish(canceled.id)).toMatchObject({ status: 409, body: { code: "not_finishable" } });
  });
});
