import type { Scale } from "./schedule.ts";

/** What a step costs whatever the picture's size, in pixels: mostly reading the deep layers' kernels (measured). */
const OVERHEAD_PIXELS = 12_000;
/** What two scales tell of the overhead is believed within these bounds: the load may have changed between them. */
const OVERHEAD_BOUNDS = { least: 2_000, most: 40_000 };
/** Steps after which a scale's time is known well enough to learn from. */
const ENOUGH_STEPS = 8;
/** How much the latest step counts in the mean: about the last ten steps, so that a change of load soon shows. */
const LATEST_COUNTS = 0.1;

/** What a step costs next to others of the same run, in pixels. */
export function stepCost({ width, height }: Pick<Scale, "width" | "height">, overhead = OVERHEAD_PIXELS) {
  return width * height + overhead;
}

/** What `stepsDone` steps of a scale cost, its targets included. */
export function scaleCost(scale: Scale, stepsDone: number): number {
  return stepsDone === 0 ? 0 : (stepsDone + scale.stepsToEnter) * stepCost(scale);
}

interface Timing {
  scale: Scale;
  steps: number;
  milliseconds: number;
}

/** How long steps take, learnt from those taken: how long the others will take is told from it. */
export class StepTimes {
  #before: Timing | undefined;
  #current: Timing | undefined;

  /** Milliseconds of a step at the current scale, the latest ones counting most; null before the first. */
  get stepMilliseconds(): number | null {
    return this.#current?.milliseconds ?? null;
  }

  /** @param milliseconds of one step, without the targets of its scale */
  note(scale: Scale, milliseconds: number): void {
    if (this.#current?.scale !== scale) {
      this.#before = this.#current;
      this.#current = { scale, steps: 0, milliseconds };
    }
    this.#current.steps += 1;
    const counts = Math.max(1 / this.#current.steps, LATEST_COUNTS); // the plain mean at first
    this.#current.milliseconds += counts * (milliseconds - this.#current.milliseconds);
  }

  /** For the `stepsLeft` of the current scale and all of the `later` ones, their targets included; null before the first step. */
  secondsLeft(stepsLeft: number, later: readonly Scale[]): number | null {
    if (this.#current === undefined) {
      return null;
    }
    const { scale, milliseconds } = this.#current;
    const overhead = this.#overhead();
    const costs = later.map((next) => (next.steps + next.stepsToEnter) * stepCost(next, overhead));
    const steps = stepsLeft + costs.reduce((sum, cost) => sum + cost, 0) / stepCost(scale, overhead);
    return (steps * milliseconds) / 1000;
  }

  /** Where two scales are known, what they tell: milliseconds are in proportion to pixels and overhead. */
  #overhead(): number {
    const [a, b] = [this.#before, this.#current];
    if (a === undefined || b === undefined || Math.min(a.steps, b.steps) < ENOUGH_STEPS) {
      return OVERHEAD_PIXELS;
    }
    const [pixelsA, pixelsB] = [stepCost(a.scale, 0), stepCost(b.scale, 0)];
    const told = (pixelsB * a.milliseconds - pixelsA * b.milliseconds) / (b.milliseconds - a.milliseconds);
    const { least, most } = OVERHEAD_BOUNDS;
    return b.milliseconds > a.milliseconds ? Math.min(most, Math.max(least, told)) : OVERHEAD_PIXELS;
  }
}
