import { setTimeout as sleep } from "node:timers/promises";
import { happens, upTo } from "../chance.ts";
import type { Api } from "./api.ts";
import type { Painting } from "./client.ts";
import { formOf, someSteps } from "./form.ts";

const FOLLOWED_MS = 5_000;
const MOST_LOOKS = 100;
const LOOK_MS = 50;
const HEAVIEST = 200;

/** Submits a job. Now and then it is followed, steered, canceled, or wanted again after that. */
export async function paintOne({ api, promised, webhook }: Painting): Promise<void> {
  const form = await formOf({ contents: 1, styles: 1, options: { steps: someSteps() }, webhook });
  const view = await api.submit<{ id: string }>("/v1/jobs", form);
  if (!view) return;
  const { id } = view;
  promised.accept([id], webhook);
  if (happens(0.2)) await api.ask(`/v1/jobs/${id}/events`, { patienceMs: FOLLOWED_MS });
  if (happens(0.4)) await steer(api, id, promised.weights);
  if (happens(0.4)) {
    await api.ask(`/v1/jobs/${id}/cancel`, { method: "POST" });
    if (happens(0.5)) await api.ask(`/v1/jobs/${id}/retry`, { method: "POST" });
  }
}

/** Wants another style weight as soon as the job does not wait any more; it may have ended by then. */
async function steer(api: Api, id: string, weights: Map<string, number>): Promise<void> {
  const path = `/v1/jobs/${id}`;
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const view = (await api.tryOnce(path, {}, [200]))?.json<{ status: string }>();
    if (view && view.status !== "queued") break;
    await sleep(LOOK_MS);
  }
  const style_weight = 1 + upTo(HEAVIEST);
  const question = { method: "PATCH", body: { style_weight } };
  const answer = await api.tryOnce(path, question, [200, "not_steerable"]);
  if (answer?.status === 200) weights.set(id, style_weight);
}
