import { setImmediate } from "node:timers/promises";
import type { EngineDescription } from "../../src/contract/engine.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import { CheckpointError } from "./checkpoint.ts";
import { availableMemory, describeDevice } from "./device.ts";
import { OutOfMemoryError } from "./memory-plan.ts";
import { chooseKernels } from "./network/choose-kernels.ts";
import type { Kernels } from "./network/kernels.ts";
import { Vgg19 } from "./network/vgg19.ts";
import { NonFiniteLossError } from "./optimizers/optimizer.ts";
import { Painting, PictureTooSmallError } from "./painting.ts";
import type { EngineEvent, EngineRequest } from "./protocol.ts";
import { loadWeights } from "./weights/load.ts";
import { locateWeights } from "./weights/locate.ts";
import { WeightsError } from "./weights/vgg19-weights.ts";

/** The deepest layer of every preset but `classic`: put on the device before the first painting. */
const DEEPEST_OF_MOST = "block5_conv1";

type PaintRequest = Extract<EngineRequest, { type: "paint" }>;

/** Keeps VGG-19 loaded and paints one request at a time, with a look at its messages between any two steps. */
export class Engine {
  readonly #send: (event: EngineEvent) => void;
  #network: Vgg19 | undefined;
  #device: EngineDescription | undefined;
  #current: { id: string; wantsCheckpoint: boolean; isCanceled: boolean } | undefined;

  constructor(send: (event: EngineEvent) => void) {
    this.#send = send;
  }

  /** Loads the network; answers `ready`, or `unready` with what is missing. */
  async start(root: string, configuredWeights: string | undefined): Promise<void> {
    try {
      const kernels = chooseKernels();
      this.#network = await loadNetwork(locateWeights(root, configuredWeights), kernels);
      this.#device = describeDevice(kernels);
      this.#send({ type: "ready", engine: this.#device });
    } catch (error) {
      this.#send({ type: "unready", code: codeOf(error), message: messageOf(error) });
    }
  }

  handle(request: EngineRequest): void {
    if (request.type === "paint") {
      void this.#paint(request);
    } else if (this.#current !== undefined && request.id === this.#current.id) {
      this.#current.isCanceled ||= request.type === "cancel";
      this.#current.wantsCheckpoint ||= request.type === "checkpoint";
    }
  }

  async #paint(request: PaintRequest): Promise<void> {
    const { id, options } = request;
    if (this.#network === undefined || this.#device === undefined || this.#current !== undefined) {
      const message =
        this.#network === undefined ? "the network is not loaded" : "the engine is painting already";
      this.#send({ type: "failed", id, code: "engine_unavailable", message });
      return;
    }
    const current = { id, wantsCheckpoint: false, isCanceled: false };
    this.#current = current;
    let painting: Painting | undefined;
    try {
      painting = this.#begin(request, this.#network, availableMemory(this.#device));
      while (!painting.isDone) {
        painting.step();
        const progress = painting.progress();
        this.#send({ type: "progress", id, progress });
        if (options.preview_interval > 0 && progress.step % options.preview_interval === 0) {
          this.#send({ type: "preview", id, step: progress.step, picture: painting.picture() });
        }
        await setImmediate(); // lets messages in
        if (current.isCanceled) {
          this.#send({ type: "canceled", id });
          return;
        }
        if (current.wantsCheckpoint) {
          current.wantsCheckpoint = false;
          this.#send({ type: "checkpoint", id, step: progress.step, state: painting.checkpoint() });
        }
      }
      this.#send({ type: "painted", id, picture: painting.picture(), progress: painting.progress() });
    } catch (error) {
      this.#send({ type: "failed", id, code: codeOf(error), message: messageOf(error) });
    } finally {
      painting?.dispose();
      this.#current = undefined;
    }
  }

  /** From the checkpoint; anew where that is damaged or another painting's, since a job is worth more than its start. */
  #begin(
    { id, options, content, styles, checkpoint }: PaintRequest,
    network: Vgg19,
    memory: number,
  ): Painting {
    try {
      return new Painting(network, options, content, styles, checkpoint, memory);
    } catch (error) {
      if (!(error instanceof CheckpointError)) {
        throw error;
      }
      this.#send({ type: "begun_anew", id, message: error.message });
      return new Painting(network, options, content, styles, null, memory);
    }
  }
}

function codeOf(error: unknown): JobErrorCode {
  if (error instanceof WeightsError) {
    return "weights_missing";
  }
  if (error instanceof NonFiniteLossError) {
    return "non_finite_loss";
  }
  if (error instanceof OutOfMemoryError) {
    return "out_of_memory";
  }
  if (error instanceof PictureTooSmallError) {
    return "picture_too_small";
  }
  return /OOM|out of memory|failed to allocate/i.test(messageOf(error)) ? "out_of_memory" : "engine_failed";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function loadNetwork(location: string, kernels: Kernels): Promise<Vgg19> {
  const network = new Vgg19(await loadWeights(location), kernels);
  network.warmUp(DEEPEST_OF_MOST);
  return network;
}
