import type { Options } from "../../../src/contract/options.ts";
import type { Tensor4D } from "../tensorflow.ts";
import { Adam } from "./adam.ts";
import { Lbfgs } from "./lbfgs.ts";
import type { Optimizer } from "./optimizer.ts";
import { SpectralPreconditioner } from "./preconditioner.ts";
import { Windows } from "./windows.ts";

/** Distance of L-BFGS's windows in pixels. The loss falls more slowly with 64 and 128, no sooner with 32 (bench/RESULTS.md). */
const WINDOW_EDGE = 40;

/** The optimiser asked for; `image` becomes its own. */
export function chooseOptimizer(
  { optimizer, learning_rate }: Pick<Options, "optimizer" | "learning_rate">,
  image: Tensor4D,
): Optimizer {
  const [, height, width] = image.shape;
  return optimizer === "adam"
    ? new Adam(image, learning_rate)
    : new Lbfgs(
        image,
        learning_rate,
        new SpectralPreconditioner(height, width),
        new Windows(height, width, WINDOW_EDGE),
      );
}
