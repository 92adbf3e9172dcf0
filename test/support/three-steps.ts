import type { Progress } from "../../src/contract/job.ts";
import type { JobRun } from "../../workers/job/job-run.ts";
import { succeed } from "./painter.ts";
import { jpeg } from "./pictures.ts";
import type { TestService } from "./service.ts";

/** How far a job of three steps is. */
export const progressAt = (step: number): Progress => ({
  step,
  total_steps: 3,
  fraction: step / 3,
  scale: { index: 0, count: 1, width: 64, height: 48 },
  loss: { total: 3 / step, content: 1 / step, style: 2 / step, tv: 0 },
  step_ms: 5,
  eta_seconds: 1,
});
/** Three steps, each with a preview and the losses so far; `beforeStep` holds it up. */
export function threeSteps(service: TestService, beforeStep: (step: number) => Promise<unknown>) {
  return async (run: JobRun) => {
    const folder = `jobs/${run.record.id}/run`;
    let lines = "";
    for (let step = 1; step <= 3; step += 1) {
      await beforeStep(step);
      if (run.signal.aborted) return { type: "stopped" as const };
      const bytes = await jpeg({ seed: step });
      await service.store.put(`${folder}/preview`, bytes);
      lines += `${JSON.stringify({ step, scale: 0, objective: 0, ...progressAt(step).loss })}\n`;
      await service.store.put(`${folder}/losses`, Buffer.from(lines));
      const preview = {
        key: `${folder}/preview`,
        media_type: "image/jpeg",
        bytes: bytes.length,
        width: 64,
        height: 48,
        step,
      };
      await run.update({ progress: progressAt(step), preview, losses: `${folder}/losses` });
    }
    return await succeed(service, run);
  };
}
/** A gate that lets one through for each `open`. */
export function gate() {
  let count = 0;
  const waiting: (() => void)[] = [];
  return {
    pass: () =>
      count > 0 ? Promise.resolve(count--) : new Promise<void>((resolve) => waiting.push(resolve)),
    open: () => {
      const next = waiting.shift();
      if (next) next();
      else count += 1;
    },
  };
}
