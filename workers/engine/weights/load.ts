import { RANDOM } from "./find-weights.ts";
import { loadLayersModel } from "./layers-model.ts";
import { randomWeights } from "./random.ts";
import type { Vgg19Weights } from "./vgg19-weights.ts";

/** Reads what {@link findWeights} found. */
export async function loadWeights(location: string): Promise<Vgg19Weights> {
  const random = RANDOM.exec(location);
  if (random !== null) {
    return randomWeights(Number(random[1]), Number(random[2]));
  }
  if (location.endsWith(".h5")) {
    const { loadKerasH5 } = await import("./keras-h5.ts"); // only where needed: its library takes 26 MB
    return loadKerasH5(location);
  }
  return loadLayersModel(location);
}
