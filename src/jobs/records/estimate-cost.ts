import { COARSER_STEPS, type Options } from "../../contract/options.ts";

/** Each scale has half the edges of the next. */
const COARSER_PIXELS = 1 / 4;
/** Of pictures whose shape is not known: 4 to 3. */
const USUAL_SHAPE = 3 / 4;

/**
 * What painting costs, in thousands of pixels times steps: comparable among jobs, and turned into time by the pace
 * that workers have measured. `pixels` is the result's width · height.
 */
export function estimateCost(
  { size, steps, scales }: Pick<Options, "size" | "steps" | "scales">,
  pixels = size * size * USUAL_SHAPE,
): number {
  let shares = 0;
  let cost = 0;
  for (let coarser = 0; coarser < scales; coarser++) {
    shares += COARSER_STEPS ** coarser;
    cost += COARSER_STEPS ** coarser * COARSER_PIXELS ** coarser;
  }
  return Math.max(1, Math.round((steps * pixels * cost) / shares / 1000));
}
