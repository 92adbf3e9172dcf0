import { once } from "node:events";
import type { Progress } from "../../src/contract/job.ts";
import { MEDIA_TYPES, type PictureType } from "../../src/pictures/picture-type.ts";
import type { AttemptContext, JobOutcome } from "../../workers/job/attempt-context.ts";
import type { TestService } from "./harness/service.ts";
import { draw, jpeg } from "./pictures.ts";

/** Stores a picture of the job's size and format as its result, without painting. */
export async function succeed(service: TestService, { record }: AttemptContext): Promise<JobOutcome> {
  const { size, output } = record.options;
  const format: PictureType = output.format;
  const bytes = await draw({ width: size, height: size / 2 })
    .toFormat(format)
    .toBuffer();
  const key = `jobs/${record.id}/result`;
  await service.store.put(key, bytes);
  const result = { key, media_type: MEDIA_TYPES[format], bytes: bytes.length, width: size, height: size / 2 };
  return { type: "succeeded", fields: { result } };
}

/** Reports step 5 of 100, then does nothing until the job is stopped. */
export async function runUntilStopped({ signal, update }: AttemptContext): Promise<JobOutcome> {
  await update({
    progress: {
      step: 5,
      total_steps: 100,
      fraction: 0.05,
      scale: { index: 0, count: 1, width: 64, height: 48 },
      loss: { total: 3, parts: { content: 1, gram: 2 } },
      step_ms: 100,
      eta_seconds: 95,
    },
  });
  return await untilStopped({ signal });
}

/** Does nothing until the job is stopped. */
export async function untilStopped({ signal }: Pick<AttemptContext, "signal">): Promise<JobOutcome> {
  if (!signal.aborted) await once(signal, "abort");
  return { type: "stopped" };
}

/** The progress of a job of three steps. */
export const progressAt = (step: number): Progress => ({
  step,
  total_steps: 3,
  fraction: step / 3,
  scale: { index: 0, count: 1, width: 64, height: 48 },
  loss: { total: 3 / step, parts: { content: 1 / step, gram: 2 / step } },
  step_ms: 5,
  eta_seconds: 1,
});

/** Three steps, each with a preview and the losses so far. A step starts when `beforeStep` resolves. */
export function threeSteps(
  service: TestService,
  beforeStep: (step: number) => Promise<unknown> = async () => undefined,
) {
  return async (attempt: AttemptContext): Promise<JobOutcome> => {
    const folder = `jobs/${attempt.record.id}/attempt`;
    let lines = "";
    for (let step = 1; step <= 3; step += 1) {
      await beforeStep(step);
      if (attempt.signal.aborted) return { type: "stopped" };
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
      await attempt.update({ progress: progressAt(step), preview, losses: `${folder}/losses` });
    }
    return await succeed(service, attempt);
  };
}

/** A semaphore that starts at 0: each `release` lets one `acquire` through. */
export function semaphore() {
  let count = 0;
  const waiting: (() => void)[] = [];
  return {
    acquire: () =>
      count > 0 ? Promise.resolve(count--) : new Promise<void>((resolve) => waiting.push(resolve)),
    release: () => {
      const next = waiting.shift();
      if (next) next();
      else count += 1;
    },
  };
}
