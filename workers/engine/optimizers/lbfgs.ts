import type { Evaluation } from "../objective/objective.ts";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { freePixels } from "./free-pixels.ts";
import {
  isFiniteEvaluation,
  MAX_RETREATS,
  NonFiniteLossError,
  type Optimizer,
  type OptimizerState,
  type OptimizerValues,
} from "./optimizer.ts";
import type { Preconditioner } from "./preconditioner.ts";
import type { Windows } from "./windows.ts";

const HISTORY = 10;
/** A pair is learnt from only where sᵀy > this · ‖s‖·‖y‖: positive curvature, not rounding noise. */
const CURVATURE_GUARD = 1e-6;
/** The same within a window. */
const WINDOW_CURVATURE_GUARD = 1e-3;
/** H₀ is at most so many times as long, or as short, in a window as in the whole picture. */
const WINDOW_SCALE = 3;
/** Root mean square of the first step on pixels in [0, 1], where nothing is known of the curvature yet. */
const FIRST_STEP = 0.01;
/** No step is longer than this root mean square: far moves leave the region that the history tells of. */
const LONGEST_STEP = 0.1;
/** A step that raises the loss by more than this factor is taken back. */
const TOLERATED_RISE = 1.1;
/** After so many steps back in a row the history is no guide any more (near the edges of [0, 1], in rounding noise). */
const PATIENCE = 3;

interface Pair {
  /** Step s = x_{k+1} − x_k and change of gradient y = g_{k+1} − g_k. */
  s: Tensor4D;
  y: Tensor4D;
  /** sᵀy of each window. */
  curvature: Tensor2D;
  /** 1 / sᵀy of each window, 0 where it is not positive. */
  rho: Tensor2D;
}

interface Accepted {
  image: Tensor4D;
  gradient: Tensor4D;
  loss: number;
}

/**
 * L-BFGS (Liu & Nocedal 1989; two-loop recursion, Nocedal & Wright algorithm 7.4) on pixels kept in [0, 1].
 *
 * Places far from each other hardly share curvature, and what a pair tells of one says little of another. So, once the
 * history is full, each window takes its own of a pair: with U the windows' weights `[pixels, windows]` and R = diag(1 / sᵀy of
 * each window; 0 where that is not positive), H ← VᵀHV + diag(s)·U·R·Uᵀ·diag(s), V = I − diag(y)·U·R·Uᵀ·diag(s). It is symmetric and
 * positive definite, H·y = s where every window learns, since the weights add up to 1, and with one window it is BFGS.
 * (Partitioned quasi-Newton methods: Griewank & Toint 1982. What it gains: bench/RESULTS.md.)
 *
 * There is no line search: with a history the unit step is nearly always good, and each trial would cost a whole
 * evaluation. A step that raises the loss, or after which it is not finite, is taken back and quartered instead;
 * where that does not help, the history is forgotten and a short step goes straight downhill. At a minimum the steps
 * shrink until the picture stands still.
 */
export class Lbfgs implements Optimizer {
  image: Tensor4D;
  readonly #learningRate: number;
  readonly #preconditioner: Preconditioner;
  readonly #windows: Windows;
  #accepted: Accepted | undefined;
  #history: Pair[] = [];
  #retreats = 0;
  /** Root mean square of the next step that has no history to go by. */
  #firstStep = FIRST_STEP;

  /**
   * @param image becomes the optimiser's own
   * @param learningRate factor on every step, 1 as a rule
   * @param preconditioner H₀ up to a factor, where the recursion starts from; becomes the optimiser's own
   * @param windows over a picture of this size; become the optimiser's own
   */
  constructor(image: Tensor4D, learningRate: number, preconditioner: Preconditioner, windows: Windows) {
    this.image = tf.keep(image);
    this.#learningRate = learningRate;
    this.#preconditioner = preconditioner;
    this.#windows = windows;
  }

  /** The next trial may have to be taken back: the last picture that was accepted. */
  get result(): Tensor4D {
    return this.#accepted?.image ?? this.image;
  }

  update(evaluation: Evaluation): void {
    const limit =
      this.#accepted === undefined ? Number.POSITIVE_INFINITY : this.#accepted.loss * TOLERATED_RISE;
    const finite = isFiniteEvaluation(evaluation);
    if (finite && evaluation.loss.total <= limit) {
      this.#accept(evaluation);
      this.#moveTo(tf.tidy(() => this.#target(this.#direction())));
    } else {
      evaluation.gradient.dispose();
      this.#retreat(finite);
    }
  }

  #accept({ loss, gradient }: Evaluation): void {
    this.#retreats = 0;
    if (this.#accepted !== undefined) {
      this.#learn(this.#accepted, gradient);
      tf.dispose([this.#accepted.image, this.#accepted.gradient]);
    }
    this.#accepted = { image: tf.keep(this.image.clone()), gradient: tf.keep(gradient), loss: loss.total };
  }

  #learn(before: Accepted, gradient: Tensor4D): void {
    const s = tf.keep(tf.sub(this.image, before.image) as Tensor4D);
    const y = tf.keep(tf.sub(gradient, before.gradient) as Tensor4D);
    if (dot(s, y) > CURVATURE_GUARD * Math.sqrt(dot(s, s) * dot(y, y))) {
      this.#history.push(this.#pair(s, y));
      if (this.#history.length > HISTORY) {
        disposePairs(this.#history.splice(0, 1));
      }
    } else {
      tf.dispose([s, y]);
    }
  }

  #pair(s: Tensor4D, y: Tensor4D): Pair {
    const [curvature, rho] = tf.tidy(() => {
      const curvature = this.#windows.products(s, y);
      const squares = this.#windows.products(s, s).mul(this.#windows.products(y, y));
      const isPositive = curvature.greater(squares.sqrt().mul(WINDOW_CURVATURE_GUARD));
      return [curvature, tf.where(isPositive, tf.div(1, curvature), tf.zerosLike(curvature)) as Tensor2D];
    }) as [Tensor2D, Tensor2D];
    return { s, y, curvature: tf.keep(curvature), rho: tf.keep(rho) };
  }

  /**
   * −H·g by the two-loop recursion; −H₀·g, scaled to a cautious length, without a history. Both only over the pixels
   * that are free to move.
   */
  #direction(): Tensor4D {
    const { image, gradient: whole } = this.#accepted as Accepted;
    const free = freePixels(image, whole);
    const gradient: Tensor4D = whole.mul(free);
    const newest = this.#history.at(-1);
    if (newest === undefined) {
      const downhill: Tensor4D = this.#preconditioner.apply(gradient).mul(free);
      return downhill.mul(-this.#firstStep / Math.max(rootMeanSquare(downhill), 1e-30));
    }
    let q: Tensor4D = gradient;
    const alphas = new Map<Pair, Tensor2D>();
    for (const pair of [...this.#history].reverse()) {
      const alpha = this.#times(pair, this.#windows.products(pair.s, q));
      alphas.set(pair, alpha);
      q = tf.sub(q, this.#windows.scale(pair.y, alpha)) as Tensor4D;
    }
    const root = this.#scale(newest).sqrt() as Tensor2D;
    let r = this.#windows.scale(this.#preconditioner.apply(this.#windows.scale(q, root)), root);
    for (const pair of this.#history) {
      const beta = this.#times(pair, this.#windows.products(pair.y, r));
      const factor = tf.sub(alphas.get(pair) as Tensor2D, beta) as Tensor2D;
      r = tf.add(r, this.#windows.scale(pair.s, factor)) as Tensor4D;
    }
    return r.mul(free).neg() as Tensor4D;
  }

  /** Whether each window goes by itself: fewer pairs tell too little of one (the first steps would be too long). */
  get #isByWindow(): boolean {
    return this.#history.length === HISTORY;
  }

  /** `products` times ρ = 1 / sᵀy: of each window, or of the whole picture. */
  #times({ curvature, rho }: Pair, products: Tensor2D): Tensor2D {
    return this.#isByWindow
      ? products.mul(rho)
      : tf.fill(products.shape, 1).mul(products.sum().div(curvature.sum()));
  }

  /** What H₀ is scaled by so that it is right for the newest pair (Nocedal & Wright, eq. 7.20, in H₀'s norm). */
  #scale({ y, curvature }: Pair): Tensor2D {
    const squares = this.#windows.products(y, this.#preconditioner.apply(y));
    const whole = curvature.sum().div(squares.sum());
    const own = this.#isByWindow ? curvature.div(squares.maximum(1e-30)).div(whole) : tf.onesLike(squares);
    return own.clipByValue(1 / WINDOW_SCALE, WINDOW_SCALE).mul(whole);
  }

  #target(direction: Tensor4D): Tensor4D {
    const { image } = this.#accepted as Accepted;
    const length = rootMeanSquare(direction) * this.#learningRate;
    const factor = this.#learningRate * Math.min(1, LONGEST_STEP / Math.max(length, 1e-30));
    return tf.clipByValue(tf.add(image, direction.mul(factor)) as Tensor4D, 0, 1);
  }

  #retreat(finite: boolean): void {
    this.#retreats += 1;
    const accepted = this.#accepted;
    if (accepted === undefined || (!finite && this.#retreats > MAX_RETREATS)) {
      throw new NonFiniteLossError("the loss is not finite, however small the step");
    }
    const shorter = tf.tidy(() => tf.sub(this.image, accepted.image).mul(0.25) as Tensor4D);
    if (this.#retreats >= PATIENCE) {
      this.#forgetHistory();
      this.#firstStep = rootMeanSquare(shorter);
      this.#moveTo(tf.tidy(() => this.#target(this.#direction())));
    } else {
      this.#moveTo(tf.tidy(() => tf.add(accepted.image, shorter) as Tensor4D));
    }
    shorter.dispose();
  }

  #moveTo(image: Tensor4D): void {
    this.image.dispose();
    this.image = tf.keep(image);
  }

  restart(): void {
    this.#moveTo(this.result.clone());
    this.#forget();
    this.#retreats = 0;
    this.#firstStep = FIRST_STEP;
  }

  state(): OptimizerState {
    return {
      accepted: this.#accepted === undefined ? [] : [this.#accepted.image, this.#accepted.gradient],
      loss: this.#accepted?.loss ?? 0,
      s: this.#history.map((pair) => pair.s),
      y: this.#history.map((pair) => pair.y),
      retreats: this.#retreats,
      firstStep: this.#firstStep,
    };
  }

  restore(state: OptimizerValues): void {
    const tensor = (data: Float32Array) => tf.keep(tf.tensor4d(data, this.image.shape));
    this.#forget();
    const [image, gradient] = state.accepted as Float32Array[];
    if (image !== undefined && gradient !== undefined) {
      this.#accepted = { image: tensor(image), gradient: tensor(gradient), loss: state.loss as number };
    }
    const changes = state.y as Float32Array[];
    for (const [index, step] of (state.s as Float32Array[]).entries()) {
      this.#history.push(this.#pair(tensor(step), tensor(changes[index] as Float32Array)));
    }
    this.#retreats = state.retreats as number;
    this.#firstStep = state.firstStep as number;
  }

  #forgetHistory(): void {
    disposePairs(this.#history);
    this.#history = [];
  }

  #forget(): void {
    this.#forgetHistory();
    if (this.#accepted !== undefined) {
      tf.dispose([this.#accepted.image, this.#accepted.gradient]);
      this.#accepted = undefined;
    }
  }

  dispose(): void {
    this.#forget();
    this.image.dispose();
    this.#preconditioner.dispose();
    this.#windows.dispose();
  }
}

function disposePairs(pairs: Pair[]): void {
  tf.dispose(pairs.flatMap(({ s, y, curvature, rho }): Tensor[] => [s, y, curvature, rho]));
}

function dot(a: Tensor4D, b: Tensor4D): number {
  const product = tf.tidy(() => tf.matMul(a.reshape([1, a.size]), b.reshape([1, b.size]), false, true));
  const [value = Number.NaN] = product.dataSync();
  product.dispose();
  return value;
}

function rootMeanSquare(x: Tensor4D): number {
  return Math.sqrt(dot(x, x) / x.size);
}
