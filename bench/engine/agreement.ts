import { join } from "node:path";
import { gradientDistance } from "./gradient-files.ts";
import { LineProcess } from "./line-process.ts";

const BOUND = 1e-3;

/**
 * Whether both sides of bench/engine/engine.ts compute the same loss and gradient, within 1e-3.
 *
 * Where the two float32 gradients are further apart, float64 says which one is off: each must be within 1e-3 of
 * that. The gradient jumps where a ReLU's input or two maxima of a pooling window are nearly equal, and some of a large
 * picture's hundreds of millions are: each side rounds a few of them to the other side, at places of its own.
 */
export class Agreement {
  /** @param script bench/engine/peers/pytorch_step.py, which computes in float64 when asked to */
  constructor(
    private readonly folder: string,
    private readonly python: string,
    private readonly script: string,
  ) {}

  /** @param always asks float64 even where the sides agree */
  async assert(ours: number, peer: number, always: boolean): Promise<void> {
    const between = {
      loss: Math.abs(ours - peer) / peer,
      gradient: await this.#distance("ours.gradient", "peer.gradient"),
    };
    print("ours and the peer's", between);
    if (isWithin(between) && !always) {
      return;
    }
    const judge = new LineProcess(this.python, [this.script, this.folder, "float64"]);
    const { loss } = await judge.ask("result");
    await judge.end();
    for (const [side, value] of Object.entries({ ours, peer })) {
      const error = {
        loss: Math.abs(value - loss) / loss,
        gradient: await this.#distance(`${side}.gradient`, "float64.gradient"),
      };
      print(`${side} and float64`, error);
      if (!isWithin(error)) {
        throw new Error(`expected ${side} to be within ${BOUND} of float64`);
      }
    }
  }

  #distance(a: string, b: string): Promise<number> {
    return gradientDistance(join(this.folder, a), join(this.folder, b));
  }
}

interface Difference {
  loss: number;
  gradient: number;
}

function isWithin({ loss, gradient }: Difference): boolean {
  return loss <= BOUND && gradient <= BOUND;
}

function print(what: string, { loss, gradient }: Difference): void {
  console.log(
    `  ${what}: loss within ${loss.toExponential(1)}, gradient within ${gradient.toExponential(1)}`,
  );
}
