import { pickOne } from "../random.ts";
import { randomSteps } from "./form.ts";
import type { ClientContext } from "./run-client.ts";

/** Continues one of the jobs; the API rejects it if that job has not succeeded. */
export async function continueJob({ api, expected, webhook }: ClientContext): Promise<void> {
  const id = pickOne([...expected.jobs]);
  const body = { options: { steps: randomSteps() }, ...(webhook && { webhook }) };
  const view = await api.submit<{ id: string }>(`/v1/jobs/${id}/continue`, () => body, "not_continuable");
  if (view) expected.accept([view.id], webhook);
}
