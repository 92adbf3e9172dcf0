import { setImmediate } from "node:timers/promises";
import type { Options } from "../../src/contract/options.ts";
import { CheckpointError } from "./checkpoint.ts";
import { failureOf, messageOf } from "./failure.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { Painting } from "./paint.ts";
import type { ControlRequest, EngineEvent, PaintRequest } from "./protocol.ts";

/** A requested painting, from its start to its end, with all that is told of it. */
export class PaintingRun {
  readonly #send: (event: EngineEvent) => Promise<void>;
  /** Until it is begun. */
  #request: PaintRequest | undefined;
  #options: Options;
  #optionsVersion: number;
  /** Where a checkpoint is wanted. */
  #checkpointPath: string | null = null;
  #isFinishing = false;
  #isCanceled = false;

  /** @param send resolves when the event is on its way */
  constructor(request: PaintRequest, send: (event: EngineEvent) => Promise<void>) {
    this.#send = send;
    this.#request = request;
    this.#options = request.options;
    this.#optionsVersion = request.options_version;
  }

  /** For its next step, or the time after it. */
  handle(request: ControlRequest): void {
    if (request.type === "cancel") this.#isCanceled = true;
    else if (request.type === "finish") this.#isFinishing = true;
    else if (request.type === "checkpoint") this.#checkpointPath = request.path;
    else {
      this.#options = request.options;
      this.#optionsVersion = request.options_version;
    }
  }

  /** Paints, with a look at messages after each step. Resolves when it has ended, in whichever way. */
  async paint(network: Vgg19, availableMemory: number): Promise<void> {
    let painting: Painting | undefined;
    try {
      painting = this.#begin(network, availableMemory);
      this.#request = undefined; // lets its pictures go
      while (!painting.isDone && !(this.#isFinishing && painting.progress().step > 0)) {
        painting.updateOptions(this.#options);
        painting.step();
        await this.#tellStep(painting);
        await setImmediate(); // lets messages in
        this.#saveIfAsked(painting);
        if (this.#isCanceled) {
          void this.#send({ type: "canceled" });
          return;
        }
      }
      const progress = painting.progress();
      painting.finish();
      void this.#send({ ...this.#painted(painting), progress });
    } catch (error) {
      void this.#send({ type: "failed", ...failureOf(error) });
    } finally {
      painting?.dispose();
    }
  }

  /** From the checkpoint; anew where that is damaged or another painting's, since a job is worth more than its start. */
  #begin(network: Vgg19, availableMemory: number): Painting {
    const { pictures, checkpoint } = this.#request as PaintRequest;
    try {
      return new Painting(network, this.#options, pictures, checkpoint, availableMemory);
    } catch (error) {
      if (!(error instanceof CheckpointError)) {
        throw error;
      }
      const painting = new Painting(network, this.#options, pictures, null, availableMemory);
      void this.#send({ type: "restarted", message: error.message });
      return painting;
    }
  }

  async #tellStep(painting: Painting): Promise<void> {
    const progress = painting.progress();
    void this.#send({ type: "progress", progress, options_version: this.#optionsVersion });
    if (isShown(this.#options, progress.step)) {
      // What is still to be written to the pipe would wait for the step's end, and all that follows with it.
      await this.#send({ type: "preview", step: progress.step, picture: painting.picture() });
    }
  }

  /** A disk that is full must not end the painting. */
  #saveIfAsked(painting: Painting): void {
    const path = this.#checkpointPath;
    if (path === null) return;
    this.#checkpointPath = null;
    try {
      painting.save(path);
      void this.#send({ type: "checkpoint", step: painting.progress().step, path });
    } catch (error) {
      void this.#send({ type: "checkpoint_failed", message: messageOf(error) });
    }
  }

  #painted(
    painting: Painting,
  ): Pick<Extract<EngineEvent, { type: "painted" }>, "type" | "picture" | "pixels"> {
    const isDeep = this.#options.output.bit_depth === 16;
    const picture = isDeep ? painting.deepPicture() : painting.picture();
    const pixels = painting.isBare ? null : painting.pixels();
    return { type: "painted", picture, pixels };
  }
}

/** Whether the picture at a step is a preview, or one of the timelapse. */
function isShown({ preview_interval, timelapse_interval }: Options, step: number): boolean {
  return [preview_interval, timelapse_interval].some((interval) => interval > 0 && step % interval === 0);
}
