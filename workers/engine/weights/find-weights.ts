import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { extname, join, resolve } from "node:path";
import { WeightsError } from "./vgg19-weights.ts";

export const KERAS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5";

/** `random:<seed>:<divisor>` stands for random weights: tests of numerics and plumbing need no trained ones. */
export const RANDOM = /^random:(\d+):(1|2|4|8|16|32)$/;

/** Where set-up downloads the weights to: Keras's own cache, or this clone if the user has no home. */
export function downloadedWeights(root: string): string {
  try {
    const home = homedir();
    if (existsSync(home)) return join(home, ".keras/models", KERAS_FILE);
  } catch {
    // Neither HOME nor an entry in the system's list of users.
  }
  return join(root, "models/vgg19", KERAS_FILE);
}

/** Where VGG-19's weights may lie, first choice first. `configured` is NST_VGG19_WEIGHTS. */
export function weightsCandidates(root: string, configured: string | undefined): string[] {
  if (configured !== undefined) {
    return [RANDOM.test(configured) ? configured : resolve(root, configured)];
  }
  return [join(root, "models/vgg19"), resolve(root, "../shared/vgg19"), downloadedWeights(root)];
}

/**
 * The file that holds the weights: a TensorFlow.js `model.json`, a Keras `.h5`, or a `random:…` specification.
 *
 * @throws WeightsError that lists every place.
 */
export function findWeights(root: string, configured: string | undefined): string {
  const candidates = weightsCandidates(root, configured);
  for (const candidate of candidates) {
    if (RANDOM.test(candidate)) {
      return candidate;
    }
    const inside = [join(candidate, "model.json"), join(candidate, KERAS_FILE)];
    const files = /\.(json|h5)$/.test(candidate) ? [candidate] : inside;
    const found = files.find((file) => existsSync(file));
    if (found !== undefined) {
      return found;
    }
    if (statSync(candidate, { throwIfNoEntry: false })?.isFile()) {
      throw new WeightsError(
        `${candidate}: expected a folder with a TensorFlow.js layers model, its model.json, or Keras's ${KERAS_FILE}, found a ${extname(candidate) || "file without ending"} file; weights of PyTorch (.pth, .pt, .safetensors) cannot be read`,
      );
    }
  }
  throw new WeightsError(
    `VGG-19's weights are missing. Looked at: ${candidates.join(", ")}. Run \`npm run setup\` where the internet can be reached, or set NST_VGG19_WEIGHTS to a folder with a TensorFlow.js layers model or to Keras's ${KERAS_FILE}.`,
  );
}
