import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import { type JobStatus, type JobView, jobViewSchema } from "../../src/contract/job.ts";
import type { JobRun } from "../../workers/job/job-run.ts";
import type { TestService } from "./service.ts";
import { form } from "./submission-form.ts";

/** Jobs as a client sees them, each view held against the contract. */
export class JobsOverHttp {
  constructor(private readonly service: TestService) {}

  async submit(fields: Record<string, string> = { options: '{"size":64}' }): Promise<JobView> {
    const response = await this.service.fetch("/v1/jobs", { method: "POST", body: await form(fields) });
    expect(response.status).toBe(202);
    return jobViewSchema.parse(await response.json());
  }

  async look(id: string): Promise<JobView> {
    const response = await this.service.fetch(`/v1/jobs/${id}`);
    expect(response.status).toBe(200);
    return jobViewSchema.parse(await response.json());
  }

  async waitFor(id: string, status: JobStatus): Promise<JobView> {
    for (let tries = 0; tries < 300; tries += 1) {
      const view = await this.look(id);
      if (view.status === status) return view;
      await sleep(20);
    }
    throw new Error(`the job did not become ${status}`);
  }
}

/** Works at a job until it is stopped. */
export async function workUntilStopped({ signal, update }: JobRun) {
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
}
