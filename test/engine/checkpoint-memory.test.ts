import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { readCheckpointOf } from "../../workers/engine/checkpoint.ts";
import { estimateBytes, OutOfMemoryError } from "../../workers/engine/memory-plan.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { Painting } from "../../workers/engine/paint.ts";
import { schedule } from "../../workers/engine/schedule.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const EDGE = 96;
const folder = temporaryFolder();
const network = new Vgg19(randomWeights(1, 4), chooseKernels());
afterAll(() => network.dispose());

const options = optionsSchema.parse(resolveOptions({ preset: "classic", size: EDGE, steps: 6 }, 1));
const pictures = { content: discRaster(EDGE, EDGE), styles: [stripesRaster(60, 50)] };
const begin = (available: number, checkpoint: string | null = null) =>
  new Painting(network, options, pictures, checkpoint, available);
const needed = (rows: number) => estimateBytes(EDGE, EDGE, options, rows, network.kernels.name);

/** Rows of a strip, as the painting's next checkpoint says them. */
function stripRowsOf(painting: Painting): number[] {
  const path = join(folder(), "strips");
  painting.save(path);
  const { stripRows } = readCheckpointOf(path, schedule(options, EDGE, EDGE));
  rmSync(path);
  return stripRows;
}

function finish(painting: Painting): Uint8Array {
  while (!painting.isDone) painting.step();
  const { data } = painting.picture();
  painting.dispose();
  return data;
}

it("A painting goes on where there is less memory than it was begun with: in strips that fit, or not at all", () => {
  const whole = needed(Number.POSITIVE_INFINITY);
  const first = begin(whole);
  for (let step = 0; step < 3; step += 1) first.step();
  const checkpoint = join(folder(), "whole");
  first.save(checkpoint);
  const undisturbed = finish(first);

  const again = begin(whole, checkpoint);
  expect(stripRowsOf(again)).toEqual([Number.POSITIVE_INFINITY]);
  expect(finish(again)).toEqual(undisturbed);

  const scarce = begin(whole - 1, checkpoint);
  expect(Math.max(...stripRowsOf(scarce))).toBeLessThan(EDGE);
  // Sums in another order: a level here and there.
  expect(
    Math.max(...finish(scarce).map((value, index) => Math.abs(value - (undisturbed[index] ?? 0)))),
  ).toBeLessThanOrEqual(1);

  const before = tf.memory().numTensors;
  expect(() => begin(needed(16) - 1, checkpoint)).toThrow(OutOfMemoryError);
  expect(tf.memory().numTensors).toBe(before);
});

it("A painting that was begun in strips goes on in them where there is memory for all of it", () => {
  const first = begin(needed(Number.POSITIVE_INFINITY) - 1);
  const stripRows = stripRowsOf(first);
  expect(Math.max(...stripRows)).toBeLessThan(EDGE);
  first.step();
  const checkpoint = join(folder(), "in strips");
  first.save(checkpoint);
  const undisturbed = finish(first);
  const resumed = begin(Number.POSITIVE_INFINITY, checkpoint);
  expect(stripRowsOf(resumed)).toEqual(stripRows);
  expect(finish(resumed)).toEqual(undisturbed);
});
