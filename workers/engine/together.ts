import type { EngineDescription } from "../../src/contract/engine.ts";
import type { Layer } from "../../src/contract/vgg19-layers.ts";
import type { Pooling } from "./network/kernels.ts";

/** What a step takes through the network. */
export interface PassShape {
  kernels: EngineDescription["kernels"];
  width: number;
  height: number;
  isInStrips: boolean;
  pooling: Pooling;
  /** How deep it goes. */
  deepest: Layer | undefined;
}

/**
 * Up to here pictures of one size are evaluated together, up to so many at once: they share the transforms of the deep
 * layers' kernels. Four together are 1.5 times as fast as in turn at 64², 1.4 at 96², 1.2 at 128², and no more than 1.1 from
 * 192² on (bench/RESULTS.md, a CPU).
 */
const MOST_PIXELS = 128 * 128;
const MOST_TOGETHER = 4;

/**
 * Those that are to be evaluated together, in their order. On the native kernels alone: TensorFlow's own round otherwise
 * with other pictures beside one, so that a seed would not give the same picture again; and on a GPU, which has no other,
 * nothing was measured.
 */
export function inGroups<Run extends { shape: PassShape | undefined }>(runs: readonly Run[]): Run[][] {
  const groups: Run[][] = [];
  const open = new Map<string, Run[]>();
  for (const run of runs) {
    const key = JSON.stringify(run.shape);
    const group = canShare(run.shape) ? open.get(key) : undefined;
    if (group !== undefined && group.length < MOST_TOGETHER) {
      group.push(run);
    } else {
      const begun = [run];
      groups.push(begun);
      open.set(key, begun);
    }
  }
  return groups;
}

function canShare(shape: PassShape | undefined): shape is PassShape {
  if (shape === undefined) return false;
  const { kernels, width, height, isInStrips } = shape;
  return kernels !== "stock" && !isInStrips && width * height <= MOST_PIXELS;
}
