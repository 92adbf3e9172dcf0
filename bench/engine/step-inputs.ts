import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { PRESETS } from "../../src/contract/presets.ts";
import type { LayerWeights } from "../../src/contract/vgg19-layers.ts";
import type { Size } from "../../src/pictures/picture-size.ts";
import type { LossOptions } from "../../workers/engine/losses/loss.ts";
import { loadWeights } from "../../workers/engine/weights/load.ts";
import { samplePicture } from "../sample-pictures.ts";
import { writeWeights } from "./write-weights.ts";

/** inputs.json: what both sides of bench/engine/engine.ts compute. */
export interface StepInputs {
  width: number;
  height: number;
  threads: number;
  /** The location of VGG-19's weights for our side; the peer reads them from plain files. */
  weights: string;
  layers: { name: string; inputs: number; outputs: number }[];
  objective: LossOptions;
  content_layers: LayerWeights;
  style_layers: LayerWeights;
  /** Whether the peer uses torch.compile. */
  compile: boolean;
}

/**
 * Writes the inputs of both sides to a folder: inputs.json, VGG-19's weights, a content, a style, and an image between them.
 * The objective is that of the preset `classic`, which uses all 16 convolutions of VGG-19.
 */
export async function writeStepInputs(
  folder: string,
  { width, height }: Size,
  weightsLocation: string,
  compile: boolean,
): Promise<void> {
  const { classic } = PRESETS;
  const objective = {
    content_weight: classic.content_weight,
    style_weight: classic.style_weight,
    content_layers: classic.content_layers,
    style_layers: classic.style_layers,
    style_distance: classic.style_distance,
    tv_weight: 0,
    seed: 1,
    pooling: classic.pooling,
  };
  const scaled = (layers: LayerWeights, factor: number) =>
    Object.fromEntries(Object.entries(layers).map(([layer, weight]) => [layer, weight * factor]));
  const weights = await loadWeights(weightsLocation);
  const inputs: StepInputs = {
    width,
    height,
    threads: availableParallelism(),
    weights: weightsLocation,
    layers: Object.entries(weights).map(([name, { inputs, outputs }]) => ({ name, inputs, outputs })),
    objective,
    content_layers: scaled(objective.content_layers, objective.content_weight),
    style_layers: scaled(objective.style_layers, objective.style_weight),
    compile,
  };
  await writeFile(join(folder, "inputs.json"), JSON.stringify(inputs));
  await writeWeights(folder, weights);
  const [content, style] = [
    await samplePicture("content", width, height),
    await samplePicture("style", width, height),
  ];
  await writeFile(join(folder, "content"), content);
  await writeFile(join(folder, "style"), style);
  const image = content.map((value, index) => 0.7 * value + 0.3 * (style[index] ?? 0));
  await writeFile(join(folder, "image"), image);
}
