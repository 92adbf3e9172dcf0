import { expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import type { Convolution, Kernels } from "../../workers/engine/network/kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { PaintingRun } from "../../workers/engine/painting-run.ts";
import type { EngineEvent } from "../../workers/engine/protocol.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import type { LayerWeights } from "../../workers/engine/weights/vgg19-weights.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

const EDGE = 32;

/** The real kernels, each call of which is counted before it is made. */
function counted(onCall: () => void): Kernels {
  const real = chooseKernels();
  const convolution = (layer: Convolution): Convolution => ({
    forward: (input) => {
      onCall();
      return layer.forward(input);
    },
    backward: (gradient, trace) => {
      onCall();
      return layer.backward(gradient, trace);
    },
    dispose: () => layer.dispose(),
  });
  return {
    name: real.name,
    convolution: (weights: LayerWeights) => convolution(real.convolution(weights)),
    imageConvolution: (weights: LayerWeights) => convolution(real.imageConvolution(weights)),
    pool: (...parameters) => {
      onCall();
      return real.pool(...parameters);
    },
    poolGradient: (...parameters) => {
      onCall();
      return real.poolGradient(...parameters);
    },
    gramMatrix: (...parameters) => {
      onCall();
      return real.gramMatrix(...parameters);
    },
    channelProduct: (...parameters) => {
      onCall();
      return real.channelProduct(...parameters);
    },
  };
}

const options = optionsSchema.parse(
  resolveOptions(
    {
      ...{ preset: "draft", size: EDGE, steps: 2, scales: 1 },
      content_layers: { block1_conv2: 1, block2_conv1: 1 },
      style_layers: { block1_conv1: 1, block2_conv1: 1 },
    },
    1,
  ),
);
const mask = (value: (x: number) => number) => ({
  ...{ width: EDGE, height: EDGE },
  data: new Uint8Array(EDGE * EDGE).map((_, pixel) => value(pixel % EDGE)),
});
const pictures = {
  content: { ...discRaster(EDGE, EDGE), alpha: mask((x) => 4 * x).data },
  styles: [stripesRaster(40, 40), { ...stripesRaster(50, 40), alpha: new Uint8Array(50 * 40).fill(200) }],
  styleMasks: [mask((x) => x), mask((x) => 255 - x)],
  keepMask: mask((x) => (x < 8 ? 255 : 0)),
};

it("Wherever the memory runs out, the painting fails by that and leaves nothing behind", async () => {
  let calls = 0;
  let last = Number.POSITIVE_INFINITY;
  const kernels = counted(() => {
    calls += 1;
    if (calls > last) throw new Error("OOM when allocating a tensor");
  });
  const network = new Vgg19(randomWeights(1, 16), kernels);
  /** Its options are updated on its way, so that targets are made anew in the middle of a scale too. */
  const paint = async (): Promise<EngineEvent | undefined> => {
    const events: EngineEvent[] = [];
    const request = { type: "paint", pictures, options, options_version: 0, checkpoint: null } as const;
    const run = new PaintingRun(request, async (event) => {
      events.push(event);
      run.handle({ type: "update_options", options: { ...options, style_weight: 5 }, options_version: 1 });
    });
    calls = 0;
    await run.paint(network, Number.POSITIVE_INFINITY);
    return events.at(-1);
  };

  expect(await paint()).toMatchObject({ type: "painted" }); // makes what the network keeps
  const all = calls;
  const left: number[] = [];
  for (last = 0; last < all; last += 1) {
    const before = tf.memory().numTensors;
    expect(await paint()).toMatchObject({ type: "failed", code: "out_of_memory" });
    if (tf.memory().numTensors !== before) left.push(last);
  }
  expect(all).toBeGreaterThan(50);
  expect(left).toEqual([]);
  network.dispose();
  // It paints once for each call of the kernels.
}, 600_000);
