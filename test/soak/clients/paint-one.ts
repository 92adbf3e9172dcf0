import { setTimeout as sleep } from "node:timers/promises";
import { happens, upTo } from "../chance.ts";
import type { Api } from "./api.ts";
import type { Painting } from "./client.ts";
import { formOf, someSteps } from "./form.ts";

const FOLLOWED_MS = 5_000;
const HEAVIEST = 200;

/** Submits a job. Now and then it is followed, steered, canceled, or wanted again after that. */
export async function paintOne({ api, promised, webhook }: Painting): Promise<void> {
  const form = await formOf({ contents: 1, styles: 1, options: { steps: someSteps() }, webhook });
  const view = await api.submit<{ id: string }>("/v1/jobs", form);
  if (!view) return;
  const { id } = view;
  promised.accept([id], webhook);
  if (happens(0.2)) await api.ask(`/v1/jobs/${id}/events`, { patienceMs: FOLLOWED_MS });
  if (happens(0.3)) await steer(api, id, promised.weights);
  if (happens(0.2)) {
    await api.ask(`/v1/jobs/${id}/cancel`, { method: "POST" });
    if (happens(0.5)) await api.ask(`/v1/jobs/${id}/retry`, { method: "POST" });
  }
}

/** Wants another style weight while the job waits or is painted; it may have ended before. */
async function steer(api: Api, id: string, weights: Map<string, number>): Promise<void> {
  await sleep(upTo(3_000));
  const style_weight = 1 + upTo(HEAVIEST);
  const question = { method: "PATCH", body: { style_weight } };
  const answer = await api.tryOnce(`/v1/jobs/${id}`, question, [200, "not_steerable"]);
  if (answer?.status === 200) weights.set(id, style_weight);
}
