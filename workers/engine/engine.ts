import { setImmediate } from "node:timers/promises";
import type { EngineDescription } from "../../src/contract/engine.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import { CheckpointError } from "./checkpoint.ts";
import { availableMemory, describeDevice } from "./device.ts";
import { largestSize } from "./largest-size.ts";
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

/** The request under way, and what has been asked of it since. */
interface Current {
  id: string;
  options: Options;
  steered: number;
  /** Where a checkpoint is wanted. */
  checkpointPath: string | null;
  isCanceled: boolean;
}

type PaintRequest = Extract<EngineRequest, { type: "paint" }>;

/** Keeps VGG-19 loaded and paints one request at a time, with a look at its messages between any two steps. */
export class Engine {
  readonly #send: (event: EngineEvent) => Promise<void>;
  #network: Vgg19 | undefined;
  #device: EngineDescription | undefined;
  #current: Current | undefined;

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
      void this.#send({ type: "unready", code: codeOf(error), message: messageOf(error) });
    }
  }

  handle(request: EngineRequest): void {
    if (request.type === "paint") {
      void this.#paint(request);
    } else if (this.#current !== undefined && request.id === this.#current.id) {
      if (request.type === "cancel") this.#current.isCanceled = true;
      else if (request.type === "checkpoint") this.#current.checkpointPath = request.path;
      else {
        this.#current.options = request.options;
        this.#current.steered = request.steered;
      }
    }
  }

  async #paint(request: PaintRequest): Promise<void> {
    const { id, options, steered } = request;
    if (this.#network === undefined || this.#device === undefined || this.#current !== undefined) {
      const message =
        this.#network === undefined ? "the network is not loaded" : "the engine is painting already";
      void this.#send({ type: "failed", id, code: "engine_unavailable", message });
      return;
    }
    const current: Current = { id, options, steered, checkpointPath: null, isCanceled: false };
    this.#current = current;
    let painting: Painting | undefined;
    try {
      painting = this.#begin(request, this.#network, availableMemory(this.#device));
      while (!painting.isDone) {
        const { options, steered } = current;
        painting.steer(options);
        painting.step();
        const progress = painting.progress();
        void this.#send({ type: "progress", id, progress, steered });
        if (isShown(options, progress.step)) {
          // What is still to be written to the pipe would wait for the step's end, and all that follows with it.
          await this.#send({ type: "preview", id, step: progress.step, picture: painting.picture() });
        }
        await setImmediate(); // lets messages in
        if (current.checkpointPath !== null) {
          void this.#send(save(painting, id, progress.step, current.checkpointPath));
          current.checkpointPath = null;
        }
        if (current.isCanceled) {
          void this.#send({ type: "canceled", id });
          return;
        }
      }
      const isDeep = options.output.bit_depth === 16;
      const picture = isDeep ? painting.deepPicture() : painting.picture();
      const pixels = painting.isBare ? null : painting.pixels();
      void this.#send({ type: "painted", id, picture, pixels, progress: painting.progress() });
    } catch (error) {
      void this.#send({ type: "failed", id, code: codeOf(error), message: messageOf(error) });
    } finally {
      painting?.dispose();
      this.#current = undefined;
    }
  }

  /** From the checkpoint; anew where that is damaged or another painting's, since a job is worth more than its start. */
  #begin({ id, options, pictures, checkpoint }: PaintRequest, network: Vgg19, memory: number): Painting {
    try {
      return new Painting(network, options, pictures, checkpoint, memory);
    } catch (error) {
      if (!(error instanceof CheckpointError)) {
        throw error;
      }
      void this.#send({ type: "begun_anew", id, message: error.message });
      return new Painting(network, options, pictures, null, memory);
    }
  }
}

/** A disk that is full must not end the painting. */
function save(painting: Painting, id: string, step: number, path: string): EngineEvent {
  try {
    painting.save(path);
    return { type: "checkpoint", id, step, path };
  } catch (error) {
    return { type: "checkpoint_failed", id, message: messageOf(error) };
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

/** Whether the picture at a step is a preview, or one of the timelapse. */
function isShown({ preview_interval, timelapse_interval }: Options, step: number): boolean {
  return [preview_interval, timelapse_interval].some((interval) => interval > 0 && step % interval === 0);
}
