import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { PRESETS } from "../../src/contract/presets.ts";
import type { LayerWeights } from "../../src/contract/vgg19-layers.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { samplePicture } from "../sample-picture.ts";
import type { Plan } from "./plan.ts";

/**
 * Writes what both sides compute into a folder: plan.json, VGG-19, a content, a style, and a picture between them.
 *
 * The graph is the preset `classic`'s: the source's layers and formulas, VGG-19 down to its last convolution.
 */
export async function writeInputs(
  folder: string,
  size: number,
  weightsLocation: string,
  compile: boolean,
): Promise<void> {
  const { classic } = PRESETS;
  const objective = {
    loss: classic.loss,
    content_weight: classic.content_weight,
    style_weight: classic.style_weight,
    content_layers: classic.content_layers,
    style_layers: classic.style_layers,
    style_distance: classic.style_distance,
    style_windows: classic.style_windows,
    tv_weight: 0,
    pooling: classic.pooling,
  };
  const scaled = (layers: LayerWeights, factor: number) =>
    Object.fromEntries(Object.entries(layers).map(([layer, weight]) => [layer, weight * factor]));
  const weights = await loadWeights(weightsLocation);
  const plan: Plan = {
    width: size,
    height: size,
    threads: availableParallelism(),
    weights: weightsLocation,
    layers: Object.entries(weights).map(([name, { inputs, outputs }]) => ({ name, inputs, outputs })),
    objective,
    content_layers: scaled(objective.content_layers, objective.content_weight),
    style_layers: scaled(objective.style_layers, objective.style_weight),
    compile,
  };
  await writeFile(join(folder, "plan.json"), JSON.stringify(plan));
  for (const [name, { kernel, bias }] of Object.entries(weights)) {
    await writeFile(join(folder, `${name}.kernel`), kernel);
    await writeFile(join(folder, `${name}.bias`), bias);
  }
  const [content, style] = [await samplePicture("content", size), await samplePicture("style", size)];
  await writeFile(join(folder, "content"), content);
  await writeFile(join(folder, "style"), style);
  const halfway = content.map((value, index) => 0.7 * value + 0.3 * (style[index] ?? 0));
  await writeFile(join(folder, "image"), halfway);
}
