import { loadKerasH5 } from "./keras-h5.ts";
import { loadLayersModel } from "./layers-model.ts";
import { RANDOM } from "./locate.ts";
import { randomWeights } from "./random.ts";
import type { Vgg19Weights } from "./vgg19-weights.ts";

/** Reads what {@link locateWeights} found. */
export function loadWeights(location: string): Promise<Vgg19Weights> {
  const random = RANDOM.exec(location);
  if (random !== null) {
    return Promise.resolve(randomWeights(Number(random[1]), Number(random[2])));
  }
  return location.endsWith(".h5") ? loadKerasH5(location) : loadLayersModel(location);
}
