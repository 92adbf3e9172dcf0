import { COARSER_STEPS, type Options } from "../../src/contract/options.ts";
import type { Phase } from "./losses/loss.ts";

/** One size of a coarse-to-fine run. The last size comes twice with `neighbors`: for its shapes, then for its details. */
export interface Scale {
  width: number;
  height: number;
  /** Longest edge of the styles at this scale. */
  styleSize: number;
  phase: Phase;
  steps: number;
  /** What its targets cost, in steps. */
  stepsToEnter: number;
}

/** Matching the picture with the style takes about as long as this many steps (measured at 128 to 512 px). */
const STEPS_TO_MATCH = 4;

/** VGG-19 halves the picture four times: below this a coarse scale tells nothing of its content. */
const SHORTEST_COARSE_EDGE = 32;

/**
 * The sizes of a run, coarsest first: each edge twice that of the scale before, the last one `width` × `height`.
 * Scales that would be too small are left out; their steps go to the others.
 */
export function schedule(
  options: Pick<Options, "steps" | "scales" | "style_distance">,
  width: number,
  height: number,
): Scale[] {
  const longest = Math.max(width, height);
  const reductions = Array.from(
    { length: options.scales },
    (_, index) => 2 ** (options.scales - 1 - index),
  ).filter((reduction) => reduction === 1 || Math.min(width, height) / reduction >= SHORTEST_COARSE_EDGE);
  const hasDetails = options.style_distance === "neighbors";
  const phases: [number, Phase][] = reductions.map((reduction) => [reduction, "shapes"]);
  if (hasDetails) phases.push([1, "details"]);
  const steps = shareSteps(options.steps, phases.length, hasDetails ? 1 : COARSER_STEPS);
  return phases
    .map(([reduction, phase], index) => ({
      width: Math.floor(width / reduction),
      height: Math.floor(height / reduction),
      styleSize: Math.floor(longest / reduction),
      phase,
      steps: steps[index] ?? 0,
      stepsToEnter: hasDetails && phase === "shapes" ? STEPS_TO_MATCH : 1,
    }))
    .filter((scale) => scale.steps > 0);
}

/**
 * The share of the learning rate that a step takes. It falls over the second half of the details: steps of full length leave
 * a coloured grain in smooth areas.
 */
export function rateShare({ phase, steps }: Pick<Scale, "phase" | "steps">, step: number): number {
  return phase === "details" ? Math.min(1, (2 * (steps - step)) / (steps + 1)) : 1;
}

/** `steps` shared out over `count` phases, each with `ratio` times the steps of the next; the last gets at least one. */
function shareSteps(steps: number, count: number, ratio: number): number[] {
  const weights = Array.from({ length: count }, (_, index) => ratio ** (count - 1 - index));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const shares: number[] = [];
  let left = steps;
  for (const weight of weights.slice(0, -1)) {
    const share = Math.min(Math.round((steps * weight) / whole), left - 1);
    shares.push(share);
    left -= share;
  }
  return [...shares, left];
}
