import { until } from "../../support/until.ts";
import { randomBelow, withProbability } from "../random.ts";
import { formFactory, randomSteps } from "./form.ts";
import type { ClientContext } from "./run-client.ts";
import type { Api } from "./unreliable-api.ts";

const EVENTS_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 5_000;
const MAX_WEIGHT = 200;

/** Submits a job, and sometimes follows, updates, cancels or retries it. */
export async function submitJob({ api, expected, webhook }: ClientContext): Promise<void> {
  const form = await formFactory({ contents: 1, styles: 1, options: { steps: randomSteps() }, webhook });
  const view = await api.submit<{ id: string }>("/v1/jobs", form);
  if (!view) return;
  const { id } = view;
  expected.accept([id], webhook);
  if (withProbability(0.2)) await api.ask(`/v1/jobs/${id}/events`, { timeoutMs: EVENTS_TIMEOUT_MS });
  if (withProbability(0.4)) await updateStyleWeight(api, id, expected.weights);
  if (withProbability(0.4)) {
    await api.ask(`/v1/jobs/${id}/cancel`, { method: "POST" });
    if (withProbability(0.5)) await api.ask(`/v1/jobs/${id}/retry`, { method: "POST" });
  }
}

/** Changes the style weight as soon as the job runs; it may have ended by then. */
async function updateStyleWeight(api: Api, id: string, weights: Map<string, number>): Promise<void> {
  const path = `/v1/jobs/${id}`;
  const hasStarted = async () => {
    const view = (await api.tryOnce(path, {}, [200]))?.json<{ status: string }>();
    return view !== undefined && view.status !== "queued";
  };
  // A job may wait for long; then its options change before it runs.
  const deadline = Date.now() + START_TIMEOUT_MS;
  await until(async () => (await hasStarted()) || Date.now() > deadline, 2 * START_TIMEOUT_MS);
  const style_weight = 1 + randomBelow(MAX_WEIGHT);
  const request = { method: "PATCH", body: { style_weight } };
  const answer = await api.tryOnce(path, request, [200, "not_updatable"]);
  if (answer?.status === 200) weights.set(id, style_weight);
}
