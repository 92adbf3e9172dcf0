import { afterAll, describe, expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { estimateBytes } from "../../workers/engine/memory-plan.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { PaintingRun } from "../../workers/engine/painting-run.ts";
import type { EngineEvent } from "../../workers/engine/protocol.ts";
import { stepTogether } from "../../workers/engine/step-together.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

const network = new Vgg19(randomWeights(1, 16), chooseKernels());
afterAll(() => network.dispose());

const GIB = 2 ** 30;
const PLENTY = { available: 8 * GIB, taken: 0 };
const NOTHING_LEFT = { available: 8 * GIB, taken: 8 * GIB };

const optionsOf = (size: number) =>
  optionsSchema.parse(resolveOptions({ preset: "draft", size, steps: 3, scales: 1 }, 1));

function runOf(id: string, size = 64) {
  const events: EngineEvent[] = [];
  const options = optionsOf(size);
  const pictures = { content: discRaster(size, size), styles: [stripesRaster(64, 40)] };
  const request = { type: "paint", id, pictures, options, steered: 0, checkpoint: null } as const;
  const run = new PaintingRun(request, async (event) => void events.push(event));
  return { run, types: () => events.map(({ type }) => type), events };
}

describe("PaintingRun", () => {
  it("waits while others have the memory, and is painted when it is there", async () => {
    const { run, types } = runOf("patient");
    run.begin(network, NOTHING_LEFT);
    await stepTogether([run]);
    expect([run.isBegun, run.bytes, run.settle(), types()]).toEqual([false, 0, false, []]);
    run.begin(network, PLENTY);
    expect(run.bytes).toBeGreaterThan(64 * 64 * 3 * 4);
    do await stepTogether([run]);
    while (!run.settle());
    expect(types()).toEqual(["progress", "progress", "progress", "painted"]);
  });

  it("waits also where strips would fit beside others: they would round differently", () => {
    const { run } = runOf("whole", 256);
    const needed = (rows: number) => estimateBytes(256, 256, optionsOf(256), rows, network.kernels.name);
    const [whole, inStrips] = [needed(Number.POSITIVE_INFINITY), needed(16)];
    run.begin(network, { available: whole, taken: (whole - inStrips) / 2 });
    expect(run.isBegun).toBe(false);
    run.begin(network, { available: whole, taken: 0 });
    expect(run.shape).toMatchObject({ width: 256, isInStrips: false });
    run.hear({ type: "cancel", id: "whole" });
    run.settle();
  });

  it("fails where the memory is too little and nobody else has it", () => {
    const { run, events } = runOf("too large");
    run.begin(network, { available: 1000, taken: 0 });
    expect(run.settle()).toBe(true);
    expect(events).toMatchObject([{ type: "failed", id: "too large", code: "out_of_memory" }]);
  });

  it("is canceled while it waits, and is not begun after that", () => {
    const { run, types } = runOf("given up");
    run.begin(network, NOTHING_LEFT);
    run.hear({ type: "cancel", id: "given up" });
    expect(run.settle()).toBe(true);
    run.begin(network, PLENTY);
    expect([run.isBegun, types()]).toEqual([false, ["canceled"]]);
  });

  it("leaves nothing behind", async () => {
    const before = tf.memory().numTensors;
    const { run } = runOf("ended early");
    run.begin(network, PLENTY);
    await stepTogether([run]);
    run.hear({ type: "cancel", id: "ended early" });
    run.settle();
    expect(tf.memory().numTensors).toBe(before);
  });
});
