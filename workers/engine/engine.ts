import type { EngineDescription } from "../../src/contract/engine-description.ts";
import { availableMemory, describeDevice } from "./device.ts";
import { failureOf } from "./failure.ts";
import { largestSize } from "./largest-size.ts";
import { chooseKernels } from "./network/choose-kernels.ts";
import type { Kernels } from "./network/kernels.ts";
import { Vgg19 } from "./network/vgg19.ts";
import { PaintingRun } from "./painting-run.ts";
import type { EngineEvent, EngineRequest, PaintRequest } from "./protocol.ts";
import { findWeights } from "./weights/find-weights.ts";
import { loadWeights } from "./weights/load.ts";

/** The deepest layer of every preset but `classic`: put on the device before the first painting. */
const DEEPEST_OF_MOST = "block4_conv3";

/** Keeps VGG-19 loaded and paints one request at a time. */
export class Engine {
  readonly #send: (event: EngineEvent) => Promise<void>;
  #network: Vgg19 | undefined;
  #device: EngineDescription | undefined;
  /** The painting that is under way. */
  #run: PaintingRun | undefined;

  /** @param send resolves when the event is on its way */
  constructor(send: (event: EngineEvent) => Promise<void>) {
    this.#send = send;
  }

  /** Loads the network; answers `ready`, or `not_ready` with what is missing. `card` is the first card that it may use. */
  async start(root: string, configuredWeights?: string, card?: string): Promise<void> {
    try {
      const kernels = chooseKernels();
      this.#network = await loadNetwork(findWeights(root, configuredWeights), kernels);
      this.#device = describeDevice(kernels, card);
      const largest_size = largestSize(availableMemory(this.#device), kernels.name);
      void this.#send({ type: "ready", engine: this.#device, largest_size });
    } catch (error) {
      void this.#send({ type: "not_ready", ...failureOf(error) });
    }
  }

  handle(request: EngineRequest): void {
    if (request.type === "paint") void this.#paint(request);
    else this.#run?.handle(request);
  }

  #paint(request: PaintRequest): void {
    if (this.#network === undefined || this.#device === undefined) {
      const message = "the network is not loaded";
      void this.#send({ type: "failed", code: "engine_unavailable", message });
      return;
    }
    if (this.#run !== undefined) throw new Error("the engine is painting already");
    this.#run = new PaintingRun(request, this.#send);
    void this.#run.paint(this.#network, availableMemory(this.#device)).then(() => {
      this.#run = undefined;
    });
  }
}

async function loadNetwork(location: string, kernels: Kernels): Promise<Vgg19> {
  const network = new Vgg19(await loadWeights(location), kernels);
  network.warmUp(DEEPEST_OF_MOST);
  return network;
}
