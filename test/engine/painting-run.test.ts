import { afterAll, describe, expect, it } from "@jest/globals";
import { type Options, optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { PaintingRun } from "../../workers/engine/painting-run.ts";
import type { EngineEvent } from "../../workers/engine/protocol.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

const network = new Vgg19(randomWeights(1, 16), chooseKernels());
afterAll(() => network.dispose());

function runOf(more: Partial<Options> = {}) {
  const events: EngineEvent[] = [];
  const drafted = resolveOptions({ preset: "draft", size: 64, steps: 3, scales: 1 }, 1);
  const options = { ...optionsSchema.parse(drafted), ...more };
  const pictures = { content: discRaster(64, 64), styles: [stripesRaster(64, 40)] };
  const request = { type: "paint", pictures, options, options_version: 0, checkpoint: null } as const;
  const run = new PaintingRun(request, async (event) => void events.push(event));
  const paint = async (availableMemory = Number.POSITIVE_INFINITY) => {
    await run.paint(network, availableMemory);
    return events;
  };
  return { run, paint };
}

describe("PaintingRun", () => {
  it("reports each step, then the picture", async () => {
    const events = await runOf().paint();
    expect(events.map(({ type }) => type)).toEqual(["progress", "progress", "progress", "painted"]);
  });

  it("fails if the memory is too little", async () => {
    expect(await runOf().paint(1000)).toMatchObject([{ type: "failed", code: "out_of_memory" }]);
  });

  it("fails if the loss is not finite", async () => {
    const events = await runOf({ ...{ style_distance: "gram", style_weight: 1e38, steps: 20 } }).paint();
    expect(events.at(-1)).toMatchObject({ type: "failed", code: "non_finite_loss" });
  });

  it("ends after a step with what it has, at the full size, and leaves no tensor behind", async () => {
    const before = tf.memory().numTensors;
    const { run, paint } = runOf({ steps: 12, scales: 2 });
    run.handle({ type: "finish" });
    const events = await paint();
    expect(events.map(({ type }) => type)).toEqual(["progress", "painted"]);
    expect(events.at(-1)).toMatchObject({
      picture: { width: 64, height: 64 },
      progress: { step: 1, total_steps: 12, scale: { index: 0, count: 2 } },
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("leaves no tensor behind when it is canceled", async () => {
    const before = tf.memory().numTensors;
    const { run, paint } = runOf();
    run.handle({ type: "cancel" });
    expect((await paint()).map(({ type }) => type)).toEqual(["progress", "canceled"]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
