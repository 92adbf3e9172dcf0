import { setTimeout as sleep } from "node:timers/promises";
import type { Expected } from "../expected.ts";
import { withProbability } from "../random.ts";
import { continueJob } from "./continue-job.ts";
import { submitBatch } from "./submit-batch.ts";
import { submitJob } from "./submit-job.ts";
import type { Api } from "./unreliable-api.ts";

/** What an action of a client needs. */
export interface ClientContext {
  api: Api;
  expected: Expected;
  /** Receives the last event of the jobs. */
  webhook: { url: string } | undefined;
}

const ACTIONS = [submitJob, submitBatch, submitJob, continueJob, submitJob, continueJob];

/** Performs one action after the other, until the API has accepted `jobs` jobs of all clients together. */
export async function runClient(
  number: number,
  { api, expected }: Omit<ClientContext, "webhook">,
  url: string,
  { jobs, pauseMs }: { jobs: number; pauseMs: number },
): Promise<void> {
  for (let turn = number; expected.jobs.size < jobs; turn += 1) {
    const action = ACTIONS[turn % ACTIONS.length] ?? submitJob;
    await action({ api, expected, webhook: withProbability(0.5) ? { url } : undefined });
    await sleep(2 * pauseMs * Math.random());
  }
}
