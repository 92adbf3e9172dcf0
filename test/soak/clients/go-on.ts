import { anyOf } from "../chance.ts";
import type { Painting } from "./client.ts";
import { someSteps } from "./form.ts";

/** Wants some job to go on from what it painted; nothing comes of it where it has not succeeded. */
export async function goOn({ api, promised, webhook }: Painting): Promise<void> {
  const id = anyOf([...promised.jobs]);
  const body = { options: { steps: someSteps() }, ...(webhook && { webhook }) };
  const view = await api.submit<{ id: string }>(`/v1/jobs/${id}/continue`, () => body, "not_continuable");
  if (view) promised.accept([view.id], webhook);
}
