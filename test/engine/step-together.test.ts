import { describe, expect, it } from "@jest/globals";
import { type Options, optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { chooseKernels } from "../../workers/engine/network/choose-kernels.ts";
import { Vgg19 } from "../../workers/engine/network/vgg19.ts";
import { PaintingRun } from "../../workers/engine/painting-run.ts";
import type { EngineEvent } from "../../workers/engine/protocol.ts";
import { stepTogether } from "../../workers/engine/step-together.ts";
import { tf } from "../../workers/engine/tensorflow.ts";
import { randomWeights } from "../../workers/engine/weights/random.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";

/** A painting under way on a network whose every pooling of so many pictures is told of. */
class Studio {
  readonly events: EngineEvent[] = [];
  readonly #network: Vgg19;

  constructor(onPooling: (pictures: number) => void = () => undefined) {
    const kernels = chooseKernels();
    this.#network = new Vgg19(randomWeights(1, 16), {
      ...kernels,
      pool: (input, pooling) => {
        onPooling(input.shape[0]);
        return kernels.pool(input, pooling);
      },
    });
  }

  begin(id: string, more: Partial<Options> = {}): PaintingRun {
    const drafted = resolveOptions(
      { preset: "draft", size: 48, steps: 4, scales: 1, preview_interval: 2 },
      1,
    );
    const options = { ...optionsSchema.parse(drafted), ...more };
    const pictures = { content: discRaster(48, 48), styles: [stripesRaster(48, 40)] };
    const request = { type: "paint", id, pictures, options, steered: 0, checkpoint: null } as const;
    const run = new PaintingRun(request, async (event) => void this.events.push(event));
    run.begin(this.#network, { available: Number.POSITIVE_INFINITY, taken: 0 });
    return run;
  }

  /** Steps them, together as long as more than one is left, and gives what each is painted as. */
  async paint(...runs: PaintingRun[]): Promise<(Uint8Array | undefined)[]> {
    const left = new Set(runs);
    while (left.size > 0) {
      await stepTogether([...left]);
      for (const run of left) if (run.settle()) left.delete(run);
    }
    return runs.map(({ id }) => this.#pictureOf(id));
  }

  typesOf(id: string): string[] {
    return this.events.filter((event) => "id" in event && event.id === id).map(({ type }) => type);
  }

  #pictureOf(id: string): Uint8Array | undefined {
    const painted = this.events.find((event) => event.type === "painted" && event.id === id);
    return painted?.type === "painted" ? Uint8Array.from(painted.picture.data) : undefined;
  }

  dispose(): void {
    this.#network.dispose();
  }
}

const light: Partial<Options> = { style_weight: 0.5 };
/** The loss overflows. */
const hopeless: Partial<Options> = { style_weight: 1e38 };

describe("stepTogether()", () => {
  it("evaluates paintings in one pass, tells the same of each as alone, and leaves nothing behind", async () => {
    const passes: number[] = [];
    const studio = new Studio((pictures) => passes.push(pictures));
    const alone = [
      ...(await studio.paint(studio.begin("a"))),
      ...(await studio.paint(studio.begin("b", light))),
    ];
    const [tensors, types] = [tf.memory().numTensors, studio.typesOf("a")];
    studio.events.length = 0;
    const runs = [studio.begin("a"), studio.begin("b", light)];
    passes.length = 0;
    expect(await studio.paint(...runs)).toEqual(alone);
    expect(new Set(passes)).toEqual(new Set([2]));
    expect([studio.typesOf("a"), studio.typesOf("b")]).toEqual([types, types]);
    expect(tf.memory().numTensors).toBe(tensors);
    studio.dispose();
  });

  it("fails one whose loss is not finite, and no other", async () => {
    const studio = new Studio();
    const [alone] = await studio.paint(studio.begin("alone", light));
    const runs = [studio.begin("lost", hopeless), studio.begin("fine", light)];
    expect(await studio.paint(...runs)).toEqual([undefined, alone]);
    expect(studio.typesOf("lost")).toEqual(["failed"]);
    expect(studio.events).toContainEqual(expect.objectContaining({ id: "lost", code: "non_finite_loss" }));
    studio.dispose();
  });

  it("evaluates one by one where together they do not fit, and fails those alone that do not fit alone", async () => {
    let fits = 2;
    const studio = new Studio((pictures) => {
      if (pictures > fits) throw new Error("OOM when allocating a tensor");
    });
    const alone = [
      ...(await studio.paint(studio.begin("a"))),
      ...(await studio.paint(studio.begin("b", light))),
    ];
    studio.events.length = 0;
    const runs = [studio.begin("a"), studio.begin("b", light)];
    fits = 1;
    expect(await studio.paint(...runs)).toEqual(alone);
    const late = [studio.begin("c"), studio.begin("d")];
    fits = 0;
    expect(await studio.paint(...late)).toEqual([undefined, undefined]);
    expect(studio.events).toContainEqual(expect.objectContaining({ id: "d", code: "out_of_memory" }));
    studio.dispose();
  });
});
