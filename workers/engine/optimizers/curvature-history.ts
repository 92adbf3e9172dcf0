import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { innerProduct } from "./inner-product.ts";
import type { Pair, Preconditioner } from "./preconditioner.ts";
import type { Windows } from "./windows.ts";

/** How many of the latest pairs are remembered. */
const CAPACITY = 10;
/** A pair is learnt from only where sᵀy > this · ‖s‖·‖y‖: positive curvature, not rounding noise. */
const CURVATURE_GUARD = 1e-6;
/** The same within a window. */
const WINDOW_CURVATURE_GUARD = 1e-3;
/** H₀ is at most so many times as long, or as short, in a window as in the whole picture. */
const WINDOW_SCALE = 3;

/** s = x_{k+1} − x_k and y = g_{k+1} − g_k. */
interface LearntPair extends Pair {
  /** sᵀy of each window. */
  curvature: Tensor2D;
  /** 1 / sᵀy of each window, 0 where it is not positive. */
  rho: Tensor2D;
}

/**
 * What the latest steps told of the loss's curvature: L-BFGS's matrix H, near its inverse (two-loop recursion, Nocedal &
 * Wright algorithm 7.4).
 *
 * Places far from each other hardly share curvature, and what a pair tells of one says little of another. So, once the
 * history is full, each window takes its own of a pair: with U the windows' weights `[pixels, windows]` and R = diag(1 / sᵀy of
 * each window; 0 where that is not positive), H ← VᵀHV + diag(s)·U·R·Uᵀ·diag(s), V = I − diag(y)·U·R·Uᵀ·diag(s). It is symmetric and
 * positive definite, H·y = s where every window learns, since the weights add up to 1, and with one window it is BFGS.
 * (Partitioned quasi-Newton methods: Griewank & Toint 1982. What it gains: bench/RESULTS.md.)
 */
export class CurvatureHistory {
  readonly #preconditioner: Preconditioner;
  readonly #windows: Windows;
  /** Oldest first. */
  #pairs: LearntPair[] = [];

  /**
   * @param preconditioner H₀ up to a factor, where the recursion starts from; becomes the history's own
   * @param windows over a picture of this size; become the history's own
   */
  constructor(preconditioner: Preconditioner, windows: Windows) {
    this.#preconditioner = preconditioner;
    this.#windows = windows;
  }

  get isEmpty(): boolean {
    return this.#pairs.length === 0;
  }

  /** Takes a step and the change of the gradient over it, which become its own; the oldest pair goes where it is full. */
  learn(s: Tensor4D, y: Tensor4D): void {
    if (innerProduct(s, y) > CURVATURE_GUARD * Math.sqrt(innerProduct(s, s) * innerProduct(y, y))) {
      this.#pairs.push(this.#learnt(s, y));
      this.#preconditioner.fit({ s, y });
      if (this.#pairs.length > CAPACITY) {
        disposePairs(this.#pairs.splice(0, 1));
      }
    } else {
      tf.dispose([s, y]);
    }
  }

  #learnt(s: Tensor4D, y: Tensor4D): LearntPair {
    const [curvature, rho] = tf.tidy(() => {
      const curvature = this.#windows.products(s, y);
      const squares = this.#windows.products(s, s).mul(this.#windows.products(y, y));
      const isPositive = curvature.greater(squares.sqrt().mul(WINDOW_CURVATURE_GUARD));
      return [curvature, tf.where(isPositive, tf.div(1, curvature), tf.zerosLike(curvature)) as Tensor2D];
    }) as [Tensor2D, Tensor2D];
    return { s: tf.keep(s), y: tf.keep(y), curvature: tf.keep(curvature), rho: tf.keep(rho) };
  }

  /** H·x by the two-loop recursion; H₀·x, whose length means nothing, while the history is empty. */
  apply(x: Tensor4D): Tensor4D {
    return tf.tidy(() => {
      const newest = this.#pairs.at(-1);
      if (newest === undefined) {
        return this.#preconditioner.apply(x);
      }
      let q = x;
      const alphas = new Map<LearntPair, Tensor2D>();
      for (const pair of [...this.#pairs].reverse()) {
        const alpha = this.#times(pair, this.#windows.products(pair.s, q));
        alphas.set(pair, alpha);
        q = tf.sub(q, this.#windows.scale(pair.y, alpha)) as Tensor4D;
      }
      const root = this.#scale(newest).sqrt() as Tensor2D;
      let r = this.#windows.scale(this.#preconditioner.apply(this.#windows.scale(q, root)), root);
      for (const pair of this.#pairs) {
        const beta = this.#times(pair, this.#windows.products(pair.y, r));
        const factor = tf.sub(alphas.get(pair) as Tensor2D, beta) as Tensor2D;
        r = tf.add(r, this.#windows.scale(pair.s, factor)) as Tensor4D;
      }
      return r;
    });
  }

  /** Whether each window goes by itself: fewer pairs tell too little of one (the first steps would be too long). */
  get #isByWindow(): boolean {
    return this.#pairs.length === CAPACITY;
  }

  /** `products` times ρ = 1 / sᵀy: of each window, or of the whole picture. */
  #times({ curvature, rho }: LearntPair, products: Tensor2D): Tensor2D {
    return this.#isByWindow
      ? products.mul(rho)
      : tf.fill(products.shape, 1).mul(products.sum().div(curvature.sum()));
  }

  /** What H₀ is scaled by so that it is right for the newest pair (Nocedal & Wright, eq. 7.20, in H₀'s norm). */
  #scale({ y, curvature }: LearntPair): Tensor2D {
    const squares = this.#windows.products(y, this.#preconditioner.apply(y));
    const whole = curvature.sum().div(squares.sum());
    const own = this.#isByWindow ? curvature.div(squares.maximum(1e-30)).div(whole) : tf.onesLike(squares);
    return own.clipByValue(1 / WINDOW_SCALE, WINDOW_SCALE).mul(whole);
  }

  /** The pairs; they stay its own. */
  state(): { s: Tensor4D[]; y: Tensor4D[] } {
    return { s: this.#pairs.map((pair) => pair.s), y: this.#pairs.map((pair) => pair.y) };
  }

  /** Has these pairs, which become its own, and no others. */
  restore({ s, y }: { s: Tensor4D[]; y: Tensor4D[] }): void {
    disposePairs(this.#pairs);
    this.#pairs = s.map((step, index) => this.#learnt(step, y[index] as Tensor4D));
    this.#preconditioner.fit(this.#pairs.at(-1));
  }

  forget(): void {
    disposePairs(this.#pairs);
    this.#pairs = [];
    this.#preconditioner.fit(undefined);
  }

  dispose(): void {
    disposePairs(this.#pairs);
    this.#preconditioner.dispose();
    this.#windows.dispose();
  }
}

function disposePairs(pairs: LearntPair[]): void {
  tf.dispose(pairs.flatMap(({ s, y, curvature, rho }): Tensor[] => [s, y, curvature, rho]));
}
