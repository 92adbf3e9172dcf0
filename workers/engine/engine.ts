import { setImmediate } from "node:timers/promises";
import type { EngineDescription } from "../../src/contract/engine.ts";
import { availableMemory, describeDevice } from "./device.ts";
import { failureOf } from "./failure.ts";
import { largestSize } from "./largest-size.ts";
import { chooseKernels } from "./network/choose-kernels.ts";
import type { Kernels } from "./network/kernels.ts";
import { Vgg19 } from "./network/vgg19.ts";
import { PaintingRun } from "./painting-run.ts";
import type { EngineEvent, EngineRequest } from "./protocol.ts";
import { stepTogether } from "./step-together.ts";
import { inGroups } from "./together.ts";
import { loadWeights } from "./weights/load.ts";
import { locateWeights } from "./weights/locate.ts";

/** The deepest layer of every preset but `classic`: put on the device before the first painting. */
const DEEPEST_OF_MOST = "block5_conv1";

type PaintRequest = Extract<EngineRequest, { type: "paint" }>;

/**
 * Keeps VGG-19 loaded and paints what it is asked to, all at once: in each round every painting gets a step, those of a kind
 * together, with a look at messages after each.
 */
export class Engine {
  readonly #send: (event: EngineEvent) => Promise<void>;
  #network: Vgg19 | undefined;
  #device: EngineDescription | undefined;
  /** Under way or waiting for memory, by their ids, in the order in which they came. */
  readonly #runs = new Map<string, PaintingRun>();

  /** @param send resolves when the event is on its way */
  constructor(send: (event: EngineEvent) => Promise<void>) {
    this.#send = send;
  }

  /** Loads the network; answers `ready`, or `unready` with what is missing. `card` is the first card that it may use. */
  async start(root: string, configuredWeights?: string, card?: string): Promise<void> {
    try {
      const kernels = chooseKernels();
      this.#network = await loadNetwork(locateWeights(root, configuredWeights), kernels);
      this.#device = describeDevice(kernels, card);
      const largest_size = largestSize(availableMemory(this.#device), kernels.name);
      void this.#send({ type: "ready", engine: this.#device, largest_size });
    } catch (error) {
      void this.#send({ type: "unready", ...failureOf(error) });
    }
  }

  handle(request: EngineRequest): void {
    if (request.type === "paint") this.#paint(request);
    else this.#runs.get(request.id)?.hear(request);
  }

  #paint(request: PaintRequest): void {
    const { id } = request;
    if (this.#network === undefined || this.#device === undefined || this.#runs.has(id)) {
      const message = this.#runs.has(id) ? "the engine is painting it already" : "the network is not loaded";
      void this.#send({ type: "failed", id, code: "engine_unavailable", message });
      return;
    }
    this.#runs.set(id, new PaintingRun(request, this.#send));
    if (this.#runs.size === 1) void this.#paintAll(this.#network, this.#device);
  }

  /** Rounds, until none is left. */
  async #paintAll(network: Vgg19, device: EngineDescription): Promise<void> {
    while (this.#runs.size > 0) {
      this.#beginNext(network, device);
      for (const group of inGroups([...this.#runs.values()])) {
        await stepTogether(group);
        await setImmediate(); // lets messages in
        for (const each of this.#runs.values()) {
          if (each.settle()) this.#runs.delete(each.id);
        }
      }
    }
  }

  /** Begins one, where those under way leave the memory for it; else one of them ends first. */
  #beginNext(network: Vgg19, device: EngineDescription): void {
    const runs = [...this.#runs.values()];
    const taken = runs.reduce((sum, { bytes }) => sum + bytes, 0);
    const next = runs.find((run) => !run.isBegun); // in their order, or small ones could keep a large one waiting for ever
    next?.begin(network, { available: availableMemory(device), taken });
  }
}

async function loadNetwork(location: string, kernels: Kernels): Promise<Vgg19> {
  const network = new Vgg19(await loadWeights(location), kernels);
  network.warmUp(DEEPEST_OF_MOST);
  return network;
}
