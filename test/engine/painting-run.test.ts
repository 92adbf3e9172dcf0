import { afterAll, describe, expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
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

function runOf(id: string) {
  const events: EngineEvent[] = [];
  const options = optionsSchema.parse(resolveOptions({ preset: "draft", size: 64, steps: 3, scales: 1 }, 1));
  const pictures = { content: discRaster(64, 64), styles: [stripesRaster(64, 40)] };
  const request = { type: "paint", id, pictures, options, steered: 0, checkpoint: null } as const;
  const run = new PaintingRun(request, async (event) => void events.push(event));
  return { run, types: () => events.map(({ type }) => type), events };
}

describe("PaintingRun", () => {
  it("waits while others have the memory, and is painted when it is there", async () => {
    const { run, types } = runOf("patient");
    run.begin(network, 1000, true);
    await stepTogether([run]);
    expect([run.isBegun, run.bytes, run.settle(), types()]).toEqual([false, 0, false, []]);
    run.begin(network, Number.POSITIVE_INFINITY, true);
    expect(run.bytes).toBeGreaterThan(64 * 64 * 3 * 4);
    do await stepTogether([run]);
    while (!run.settle());
    expect(types()).toEqual(["progress", "progress", "progress", "painted"]);
  });

  it("fails where the memory is too little and nobody else has it", () => {
    const { run, events } = runOf("too large");
    run.begin(network, 1000, false);
    expect(run.settle()).toBe(true);
    expect(events).toMatchObject([{ type: "failed", id: "too large", code: "out_of_memory" }]);
  });

  it("is canceled while it waits, and is not begun after that", () => {
    const { run, types } = runOf("given up");
    run.begin(network, 1000, true);
    run.hear({ type: "cancel", id: "given up" });
    expect(run.settle()).toBe(true);
    run.begin(network, Number.POSITIVE_INFINITY, true);
    expect([run.isBegun, types()]).toEqual([false, ["canceled"]]);
  });

  it("leaves nothing behind", async () => {
    const before = tf.memory().numTensors;
    const { run } = runOf("ended early");
    run.begin(network, Number.POSITIVE_INFINITY, true);
    await stepTogether([run]);
    run.hear({ type: "cancel", id: "ended early" });
    run.settle();
    expect(tf.memory().numTensors).toBe(before);
  });
});
