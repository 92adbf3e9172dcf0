import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Vgg19Weights } from "../../workers/engine/weights/vgg19-weights.ts";

/** Writes VGG-19's weights as plain files of float32, as the peers in Python read them: NAME.kernel and NAME.bias. */
export async function writeWeights(folder: string, weights: Vgg19Weights): Promise<void> {
  for (const [name, { kernel, bias }] of Object.entries(weights)) {
    await writeFile(join(folder, `${name}.kernel`), kernel);
    await writeFile(join(folder, `${name}.bias`), bias);
  }
}
