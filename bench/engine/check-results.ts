import { join } from "node:path";
import { gradientDistance } from "./gradient-distance.ts";
import { JsonProcess } from "./json-process.ts";

const TOLERANCE = 1e-3;

interface Comparison {
  /** Holds the gradients that both sides wrote: ours.gradient and peer.gradient. */
  folder: string;
  losses: { ours: number; peer: number };
  python: string;
  /** bench/engine/peers/pytorch_step.py, which computes in float64 if asked. */
  script: string;
  /** Compares with float64 even if both sides agree. */
  alwaysFloat64: boolean;
}

/**
 * Throws unless both sides compute the same loss and gradient within the tolerance. If they differ by more, each side is
 * compared with float64 instead: the gradient is discontinuous at ReLUs and pooling, so each side's rounding can choose
 * another branch at some of a large picture's hundreds of millions of values.
 */
export async function checkResults(comparison: Comparison): Promise<void> {
  const { folder, losses, python, script, alwaysFloat64 } = comparison;
  const distance = (a: string, b: string) =>
    gradientDistance(join(folder, `${a}.gradient`), join(folder, `${b}.gradient`));
  const difference = {
    loss: Math.abs(losses.ours - losses.peer) / losses.peer,
    gradient: await distance("ours", "peer"),
  };
  print("ours and the peer", difference);
  if (isWithinTolerance(difference) && !alwaysFloat64) return;
  const float64 = new JsonProcess(python, [script, folder, "float64"]);
  const { loss } = await float64.request("result");
  await float64.stop();
  for (const [side, value] of Object.entries(losses)) {
    const error = { loss: Math.abs(value - loss) / loss, gradient: await distance(side, "float64") };
    print(`${side} and float64`, error);
    if (!isWithinTolerance(error)) throw new Error(`${side}: not within ${TOLERANCE} of float64`);
  }
}

interface Difference {
  loss: number;
  gradient: number;
}

function isWithinTolerance({ loss, gradient }: Difference): boolean {
  return loss <= TOLERANCE && gradient <= TOLERANCE;
}

function print(sides: string, { loss, gradient }: Difference): void {
  console.log(
    `  ${sides}: loss differs by ${loss.toExponential(1)}, gradient by ${gradient.toExponential(1)}`,
  );
}
