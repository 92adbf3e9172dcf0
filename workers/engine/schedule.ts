import { COARSER_STEPS, LEARNING_RATES, type Options } from "../../src/contract/options.ts";

/** lbfgs_then_adam is two of them, one after the other. */
export type SingleOptimizer = Exclude<Options["optimizer"], "lbfgs_then_adam">;

/** One size of a coarse-to-fine run. */
export interface Scale {
  width: number;
  height: number;
  /** Longest edge of the styles at this scale. */
  styleSize: number;
  steps: number;
  optimizer: SingleOptimizer;
  learningRate: number;
}

/** VGG-19 halves the picture four times: below this a coarse scale tells nothing of its content. */
const SHORTEST_COARSE_EDGE = 32;

/**
 * The sizes of a run, coarsest first: each edge twice that of the scale before, the last one `width` × `height`.
 * Scales that would be too small are left out; their steps go to the others.
 */
export function schedule(
  options: Pick<Options, "steps" | "scales" | "optimizer" | "learning_rate">,
  width: number,
  height: number,
): Scale[] {
  const longest = Math.max(width, height);
  const reductions = Array.from(
    { length: options.scales },
    (_, index) => 2 ** (options.scales - 1 - index),
  ).filter((reduction) => reduction === 1 || Math.min(width, height) / reduction >= SHORTEST_COARSE_EDGE);
  const steps = shareSteps(options.steps, reductions.length);
  return reductions
    .map((reduction, index) => ({
      width: Math.round(width / reduction),
      height: Math.round(height / reduction),
      styleSize: Math.round(longest / reduction),
      steps: steps[index] ?? 0,
      ...optimizerOf(options, reduction === 1),
    }))
    .filter((scale) => scale.steps > 0);
}

function optimizerOf(
  { optimizer, learning_rate: learningRate }: Pick<Options, "optimizer" | "learning_rate">,
  isLast: boolean,
): Pick<Scale, "optimizer" | "learningRate"> {
  if (optimizer !== "lbfgs_then_adam") return { optimizer, learningRate };
  return isLast
    ? { optimizer: "annealed_adam", learningRate }
    : { optimizer: "lbfgs", learningRate: LEARNING_RATES.lbfgs };
}

/** `steps` shared out over `count` scales, coarsest first; the finest gets at least one. */
function shareSteps(steps: number, count: number): number[] {
  const weights = Array.from({ length: count }, (_, index) => COARSER_STEPS ** (count - 1 - index));
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
