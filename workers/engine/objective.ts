import type { Layer } from "../../src/contract/vgg19-layers.ts";
import { Guidance } from "./losses/guidance.ts";
import type {
  FeatureLoss,
  Loss,
  LossContext,
  LossOptions,
  OnFeatures,
  Phase,
  WeightedStyle,
} from "./losses/loss.ts";
import { LOSSES } from "./losses/registry.ts";
import { offsetAt } from "./losses/sample-grid.ts";
import { addGradients } from "./network/add-gradients.ts";
import { type Framing, NO_FRAME } from "./network/frame.ts";
import { Pass } from "./network/pass.ts";
import { gridReduction } from "./network/stages.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { type Tensor, type Tensor4D, tf } from "./tensorflow.ts";

/** Width of the frame that keeps VGG-19's zero padding away from the picture: wide enough for blocks 1 to 3. */
const FRAME = 16;
/** How far the picture is moved within its frame from step to step, in pixels in each direction, at most. */
const JITTER: Record<Phase, number> = { shapes: 2, details: 4 };

/** Loss and gradient at one picture. `gradient` has the picture's shape and is the caller's to dispose of. */
export interface Evaluation {
  loss: { total: number; parts: Record<string, number> };
  gradient: Tensor4D;
}

/** What a picture is to be like. All tensors are their owner's, and may go once the objective is made. */
export interface Targets {
  /** `[1, h, w, 3]`, RGB in [0, 1], of the size that the pictures to evaluate have. */
  content: Tensor4D;
  /** `[1, h, w, 1]` in [0, 1]: how much of the content counts at each pixel; all of it if left out. */
  visible?: Tensor4D | undefined;
  /** Which styles go where: `where` is as large as the content. */
  regions: readonly { styles: readonly WeightedStyle[]; where?: Tensor4D | undefined; weight: number }[];
  /** The picture as it stands, for the styles to be matched with; the content if left out. */
  start?: Tensor4D | undefined;
  isFirstScale?: boolean;
  /** What state() gave, to resume within a scale. */
  stored?: ReadonlyMap<string, Tensor[]> | undefined;
}

/**
 * The sum of all losses in losses/registry.ts, at one size of the picture. The targets are computed once.
 *
 * The shallow blocks can be computed strip by strip: what losses need adds up over strips, and the backward pass computes a
 * strip's activations anew. The result is the same; the memory is that of one strip.
 */
export class Objective {
  readonly #network: Vgg19;
  readonly #options: LossOptions;
  readonly #stripRows: number;
  readonly #frameWidth: number;
  readonly #phase: Phase;
  readonly #losses = new Map<string, Loss>();
  readonly #guidances: Guidance[] = [];

  /** @param stripRows rows of a strip, see network/strips.ts; Infinity for the whole picture at once */
  constructor(
    network: Vgg19,
    options: LossOptions,
    targets: Targets,
    phase: Phase = "shapes",
    stripRows = Number.POSITIVE_INFINITY,
  ) {
    this.#network = network;
    this.#options = options;
    this.#stripRows = stripRows;
    const [, height, width] = targets.content.shape;
    const size = { width, height };
    this.#phase = phase;
    this.#frameWidth = options.style_distance === "gram" ? 0 : Math.max(FRAME, gridReduction(size));
    const guided = (mask: Tensor4D | undefined) => {
      if (mask === undefined) return undefined;
      const guidance = new Guidance(mask);
      this.#guidances.push(guidance);
      return guidance;
    };
    try {
      const { content, start = content, isFirstScale = true, stored } = targets;
      const context: LossContext = {
        ...{ options, phase, size, content, start, isFirstScale, stored: undefined },
        visible: guided(targets.visible),
        regions: targets.regions.map((region) => ({ ...region, where: guided(region.where) })),
        kernels: network.kernels,
        capture: (picture, layers, onFeatures) => this.#capture(picture, layers, onFeatures),
      };
      for (const [name, create] of Object.entries(LOSSES)) {
        const loss = create({ ...context, stored: stored?.get(name) });
        if (loss !== undefined) this.#losses.set(name, loss);
      }
    } catch (error) {
      this.dispose(); // the memory that ran out is there for the next painting
      throw error;
    }
  }

  /**
   * Loss and gradient at a picture `[1, h, w, 3]`.
   *
   * @param step number of this evaluation within the job
   */
  evaluate(picture: Tensor4D, step = 0): Evaluation {
    const [gradient, values] = tf.tidy(() => {
      const byName = new Map<string, Tensor>();
      let gradient = this.#evaluateFeatures(picture, step, byName);
      for (const [name, loss] of this.#losses) {
        if ("layers" in loss) continue;
        const own = loss.evaluatePicture(picture);
        byName.set(name, own.loss);
        gradient = addGradients(gradient, own.gradient);
      }
      const values = [...this.#losses.keys()].map((name) => byName.get(name) ?? tf.scalar(0));
      return [
        gradient ?? tf.zerosLike(picture),
        values.length === 0 ? tf.zeros([0]) : tf.stack(values),
      ] as const;
    });
    const numbers = [...values.dataSync<"float32">()];
    values.dispose();
    const parts = Object.fromEntries(
      [...this.#losses.keys()].map((name, index) => [name, numbers[index] as number]),
    );
    const total = numbers.reduce((sum, value) => sum + value, 0);
    return { loss: { total, parts }, gradient };
  }

  /** What cannot be computed again when the painting resumes, by the losses' names. */
  state(): Map<string, Tensor[]> {
    const states = this.#featureLosses.map(([name, loss]): [string, Tensor[]] => [
      name,
      loss.state?.() ?? [],
    ]);
    return new Map(states.filter(([, tensors]) => tensors.length > 0));
  }

  get #featureLosses(): [string, FeatureLoss][] {
    return [...this.#losses].filter((entry): entry is [string, FeatureLoss] => "layers" in entry[1]);
  }

  /** Gradient through the network; undefined if no loss sees a layer. */
  #evaluateFeatures(picture: Tensor4D, step: number, losses: Map<string, Tensor>): Tensor4D | undefined {
    const all = this.#featureLosses;
    const layers = all.flatMap(([, loss]) => loss.layers);
    for (const [, loss] of all) loss.begin?.(step);
    const pass = this.#pass(layers, this.#framingAt(step));
    pass.forward(picture, (layer, features, firstRow) => {
      for (const [, loss] of all) loss.onFeatures(layer, features, firstRow);
    });
    for (const [name, loss] of all) losses.set(name, loss.evaluate());
    return pass.backward(picture, (layer, features, firstRow) =>
      all.reduce(
        (sum: Tensor4D | undefined, [, loss]) =>
          addGradients(sum, loss.gradientAt(layer, features, firstRow)),
        undefined,
      ),
    );
  }

  #capture(picture: Tensor4D, layers: readonly Layer[], onFeatures: OnFeatures): void {
    tf.tidy(() => this.#pass(layers).forward(picture, onFeatures));
  }

  #pass(layers: readonly Layer[], framing = { ...NO_FRAME, width: this.#frameWidth }): Pass {
    return new Pass(this.#network, layers, this.#options.pooling, this.#stripRows, framing);
  }

  #framingAt(step: number): Framing {
    if (this.#frameWidth === 0) return NO_FRAME;
    return { width: this.#frameWidth, ...jitterAt(this.#options.seed, step, this.#phase) };
  }

  dispose(): void {
    for (const [, loss] of this.#featureLosses) loss.dispose();
    for (const guidance of this.#guidances) guidance.dispose();
    this.#losses.clear();
    this.#guidances.length = 0;
  }
}

/** Where the picture lies in its frame at a step: the same again for a job's seed. */
export function jitterAt(seed: number, step: number, phase: Phase): { down: number; right: number } {
  const [down, right] = offsetAt(seed, step, "block5_conv4").map(
    (share) => Math.floor(share * 2 * JITTER[phase]) - JITTER[phase],
  ) as [number, number];
  return { down, right };
}
