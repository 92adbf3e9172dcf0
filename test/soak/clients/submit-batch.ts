import { withProbability } from "../random.ts";
import { formFactory, randomSteps } from "./form.ts";
import type { ClientContext } from "./run-client.ts";
import type { Api, ApiResponse } from "./unreliable-api.ts";

interface BatchView {
  id: string;
  status: string;
  jobs: { job: { id: string; status: string } }[];
}

/** Submits a content in two styles, reads the view and the zip at once, and sometimes cancels the batch. */
export async function submitBatch({ api, expected, webhook }: ClientContext): Promise<void> {
  const form = await formFactory({ contents: 1, styles: 2, options: { steps: randomSteps() }, webhook });
  const view = await api.submit<BatchView>("/v1/batches", form);
  if (!view) return;
  const ids = view.jobs.map(({ job }) => job.id);
  expected.accept(ids, webhook);
  expected.batches.set(view.id, ids);
  await api.tryOnce(`/v1/batches/${view.id}`, {}, [200]);
  await api.tryOnce(`/v1/batches/${view.id}/result`, {}, [200, "result_not_ready", "no_result"]);
  if (withProbability(0.2)) await api.ask(`/v1/batches/${view.id}/cancel`, { method: "POST" });
}

/** Whether a finished batch lists its jobs, and its zip has a picture of each that succeeded. */
export async function isBatchComplete(api: Api, id: string, jobs: string[]): Promise<boolean> {
  const view = (await api.tryOnce(`/v1/batches/${id}`, {}, [200]))?.json<BatchView>();
  const shown = view?.jobs.map(({ job }) => job.id) ?? [];
  if (view?.status !== "finished" || shown.join() !== jobs.join()) return false;
  const succeeded = view.jobs.filter(({ job }) => job.status === "succeeded").length;
  const zip = await api.tryOnce(`/v1/batches/${id}/result`, {}, [200, "no_result"]);
  return zip !== null && picturesIn(zip) === succeeded;
}

/** The count in the end-of-central-directory record (APPNOTE.TXT 4.3.16), which has no comment here. */
function picturesIn({ status, body }: ApiResponse): number {
  return status === 200 ? body.readUInt16LE(body.length - 12) : 0;
}
