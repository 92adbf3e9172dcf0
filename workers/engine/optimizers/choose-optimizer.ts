import type { Scale } from "../schedule.ts";
import type { Tensor4D } from "../tensorflow.ts";
import { Adam } from "./adam.ts";
import { Lbfgs } from "./lbfgs.ts";
import type { Optimizer } from "./optimizer.ts";
import { SpectralPreconditioner } from "./preconditioner.ts";
import { Windows } from "./windows.ts";

/** L-BFGS's H₀ divides by the curvature to this power: 1 and 1.7 lead less far, 1.2 as far (bench/RESULTS.md, as all figures here). */
const INVERSE_CURVATURE_POWER = 1.4;
/** Distance of L-BFGS's windows in pixels. The loss falls more slowly with 64 and 128, no sooner with 32. */
const WINDOW_EDGE = 40;
/** Annealed Adam's steps are divided by the curvature to this power: 0.2 to 0.5 lead less far, 1.4 no further. */
const STEP_POWER = 1;
/** 0.9 and 0.95 lead further than 0.99 and 0.999: the gradient's size changes within tens of steps. */
const VARIANCE_DECAY = 0.9;

/** The optimiser of a scale; `image`, of its size, becomes its own. */
export function chooseOptimizer({ optimizer, learningRate, steps }: Scale, image: Tensor4D): Optimizer {
  const [, height, width] = image.shape;
  switch (optimizer) {
    case "adam":
      return new Adam(image, { learningRate });
    case "annealed_adam":
      return new Adam(image, {
        learningRate,
        varianceDecay: VARIANCE_DECAY,
        preconditioner: new SpectralPreconditioner(height, width, STEP_POWER),
        annealedOver: steps,
      });
    case "lbfgs":
      return new Lbfgs(
        image,
        learningRate,
        new SpectralPreconditioner(height, width, INVERSE_CURVATURE_POWER),
        new Windows(height, width, WINDOW_EDGE),
      );
  }
}
