import type { LayerWeights } from "../../src/contract/vgg19-layers.ts";
import type { ObjectiveOptions } from "../../workers/engine/objective/objective.ts";

/** What both sides of bench/engine/engine.ts compute, as plan.json tells them. */
export interface Plan {
  width: number;
  height: number;
  threads: number;
  /** Location of VGG-19's weights, for our side; the peer gets them as plain files. */
  weights: string;
  layers: { name: string; inputs: number; outputs: number }[];
  objective: ObjectiveOptions;
  content_layers: LayerWeights;
  style_layers: LayerWeights;
  /** Whether the peer uses torch.compile. */
  compile: boolean;
}
