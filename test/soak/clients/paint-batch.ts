import { happens } from "../chance.ts";
import type { Answer, Api } from "./api.ts";
import type { Painting } from "./client.ts";
import { formOf, someSteps } from "./form.ts";

interface BatchView {
  id: string;
  status: string;
  jobs: { job: { id: string; status: string } }[];
}

/** Submits a content in two styles. Its view and zip are asked for at once, now and then it is canceled. */
export async function paintBatch({ api, promised, webhook }: Painting): Promise<void> {
  const form = await formOf({ contents: 1, styles: 2, options: { steps: someSteps() }, webhook });
  const view = await api.submit<BatchView>("/v1/batches", form);
  if (!view) return;
  const ids = view.jobs.map(({ job }) => job.id);
  promised.accept(ids, webhook);
  promised.batches.set(view.id, ids);
  await api.tryOnce(`/v1/batches/${view.id}`, {}, [200]);
  await api.tryOnce(`/v1/batches/${view.id}/result`, {}, [200, "result_not_ready", "no_result"]);
  if (happens(0.2)) await api.ask(`/v1/batches/${view.id}/cancel`, { method: "POST" });
}

/** Whether a batch whose jobs have all ended shows them, and gives the picture of each that succeeded. */
export async function isBatchWhole(api: Api, id: string, jobs: string[]): Promise<boolean> {
  const view = (await api.tryOnce(`/v1/batches/${id}`, {}, [200]))?.json<BatchView>();
  const shown = view?.jobs.map(({ job }) => job.id) ?? [];
  if (view?.status !== "finished" || shown.join() !== jobs.join()) return false;
  const succeeded = view.jobs.filter(({ job }) => job.status === "succeeded").length;
  const zip = await api.tryOnce(`/v1/batches/${id}/result`, {}, [200, "no_result"]);
  return zip !== null && picturesIn(zip) === succeeded;
}

/** As the zip's last record says (APPNOTE.TXT 4.3.16), which has no comment here. */
function picturesIn({ status, body }: Answer): number {
  return status === 200 ? body.readUInt16LE(body.length - 12) : 0;
}
