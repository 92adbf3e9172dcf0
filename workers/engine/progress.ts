import type { Loss, Progress } from "../../src/contract/job.ts";
import type { Scale } from "./schedule.ts";
import { type StepTimes, scaleCost } from "./step-times.ts";

/** How far a run has come: `index` of its scale, and the steps taken in it. */
export function progressOf(
  scales: readonly Scale[],
  { index, stepInScale }: { index: number; stepInScale: number },
  loss: Loss | null,
  times: StepTimes,
): Progress {
  const current = scales[index] as Scale;
  const before = scales.slice(0, index);
  const stepsOf = (some: readonly Scale[]) => some.reduce((sum, scale) => sum + scale.steps, 0);
  const costOf = (some: readonly Scale[]) =>
    some.reduce((sum, scale) => sum + scaleCost(scale, scale.steps), 0);
  const count = new Set(scales.map(({ width }) => width)).size;
  return {
    step: stepsOf(before) + stepInScale,
    total_steps: stepsOf(scales),
    fraction: (costOf(before) + scaleCost(current, stepInScale)) / costOf(scales),
    scale: { index: Math.min(index, count - 1), count, width: current.width, height: current.height },
    loss,
    step_ms: times.stepMilliseconds,
    eta_seconds: times.secondsLeft(current.steps - stepInScale, scales.slice(index + 1)),
  };
}
