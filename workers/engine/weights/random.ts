import { VGG19_LAYERS } from "../../../src/contract/vgg19-layers.ts";
import { layerChannels, type Vgg19Weights } from "./vgg19-weights.ts";

/**
 * VGG-19's architecture with seeded random weights (He et al. 2015: normal with variance 2 / fan-in), `divisor`
 * times narrower. Numerics and plumbing behave as with the trained weights; the pictures do not.
 */
export function randomWeights(seed: number, divisor: number): Vgg19Weights {
  const normal = normalGenerator(seed);
  const layers = VGG19_LAYERS.map((layer) => {
    const { inputs, outputs } = layerChannels(layer, divisor);
    const deviation = Math.sqrt(2 / (9 * inputs));
    const kernel = new Float32Array(9 * inputs * outputs).map(() => normal() * deviation);
    const bias = new Float32Array(outputs).map(() => normal() * 0.1);
    return [layer, { inputs, outputs, kernel, bias }];
  });
  return Object.fromEntries(layers);
}

/** Looked up once: 20 million numbers are drawn for the full width. */
const { sqrt, log, cos, imul, PI } = Math;

/** Standard normal numbers: mulberry32 (T. Ettinger, public domain) through the Box–Muller transform. */
function normalGenerator(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return () => sqrt(-2 * log(1 - uniform())) * cos(2 * PI * uniform());
}
