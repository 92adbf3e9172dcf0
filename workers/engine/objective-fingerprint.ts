import type { Options } from "../../src/contract/options.ts";

/** Every option that can be changed while a job runs and that the objective depends on, as one text. */
export function objectiveFingerprint(options: Options): string {
  const { content_weight, style_weight, content_layers, style_layers, style_weights, tv_weight } = options;
  return JSON.stringify([
    content_weight,
    style_weight,
    content_layers,
    style_layers,
    style_weights,
    tv_weight,
  ]);
}
