import { createContentLoss } from "./content.ts";
import { createDetailLoss } from "./details.ts";
import { createGramLoss } from "./gram.ts";
import type { Loss, LossContext } from "./loss.ts";
import { createNeighborLoss } from "./neighbors.ts";
import { createRangeLoss } from "./range.ts";
import { createTotalVariation } from "./total-variation.ts";

/**
 * Every part of the objective, by the name that a job's losses give it. A part that has no say with a job's options, or in
 * a phase, is undefined. A new loss is a file of its own and a line here.
 */
export const LOSSES: Record<string, (context: LossContext) => Loss | undefined> = {
  content: createContentLoss,
  neighbors: createNeighborLoss,
  details: createDetailLoss,
  gram: createGramLoss,
  range: createRangeLoss,
  total_variation: createTotalVariation,
};
