import type { Options } from "../../src/contract/options.ts";
import { CheckpointError } from "./checkpoint.ts";
import { failureOf, messageOf } from "./failure.ts";
import { type Memory, OutOfMemoryError } from "./memory-plan.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import type { Question } from "./objective/evaluate-together.ts";
import type { Evaluation } from "./objective/objective.ts";
import { Painting } from "./painting.ts";
import type { EngineEvent, EngineRequest } from "./protocol.ts";
import type { PassShape } from "./together.ts";

type PaintRequest = Extract<EngineRequest, { type: "paint" }>;

/** A requested painting: begun, stepped and ended, with all that is told of it; what goes wrong ends only this one. */
export class PaintingRun {
  readonly id: string;
  readonly #send: (event: EngineEvent) => Promise<void>;
  /** Until it is begun. */
  #request: PaintRequest | undefined;
  #painting: Painting | undefined;
  #options: Options;
  #steered: number;
  /** Where a checkpoint is wanted. */
  #checkpointPath: string | null = null;
  #isCanceled = false;
  #isOver = false;

  /** @param send resolves when the event is on its way */
  constructor(request: PaintRequest, send: (event: EngineEvent) => Promise<void>) {
    this.id = request.id;
    this.#send = send;
    this.#request = request;
    this.#options = request.options;
    this.#steered = request.steered;
  }

  /** Bytes that it may come to hold of those that the engine has for paintings; 0 until it is begun. */
  get bytes(): number {
    return this.#painting?.bytes ?? 0;
  }

  get isBegun(): boolean {
    return this.#painting !== undefined;
  }

  /** Of its next step; undefined where none is left, or not yet begun. */
  get shape(): PassShape | undefined {
    return this.#painting?.isDone ? undefined : this.#painting?.shape;
  }

  /** For its next step, or the time after it. */
  hear(request: Exclude<EngineRequest, PaintRequest>): void {
    if (request.type === "cancel") this.#isCanceled = true;
    else if (request.type === "checkpoint") this.#checkpointPath = request.path;
    else {
      this.#options = request.options;
      this.#steered = request.steered;
    }
  }

  /** Begins where it has not yet. Where others have the memory for it, a later call does. */
  begin(network: Vgg19, memory: Memory): void {
    const request = this.#request;
    if (request === undefined) return;
    try {
      this.#painting = this.#paintingOf(request, network, memory);
    } catch (error) {
      if (memory.taken > 0 && error instanceof OutOfMemoryError) return;
      this.#fail(error);
    }
    this.#request = undefined; // lets its pictures go
  }

  /** What is to be evaluated for its next step, where one is left; the picture is the caller's to dispose of. */
  ask(): Question | undefined {
    const painting = this.#painting;
    if (painting === undefined || painting.isDone) return undefined;
    try {
      painting.steer(this.#options);
      return painting.ask();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** The step, once it is evaluated: `evaluate` gives that or throws. Resolves when what is told of it is on its way. */
  async take(evaluate: () => Evaluation): Promise<void> {
    const painting = this.#painting as Painting;
    try {
      painting.take(evaluate());
      const progress = painting.progress();
      void this.#tell({ type: "progress", progress, steered: this.#steered });
      if (isShown(this.#options, progress.step)) {
        // What is still to be written to the pipe would wait for the step's end, and all that follows with it.
        await this.#tell({ type: "preview", step: progress.step, picture: painting.picture() });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Answers what was asked of it since its last step. @returns whether it has ended */
  settle(): boolean {
    try {
      const painting = this.#painting;
      if (painting !== undefined && this.#checkpointPath !== null) {
        this.#save(painting, this.#checkpointPath);
        this.#checkpointPath = null;
      }
      if (!this.#isOver && this.#isCanceled) this.#end({ type: "canceled" });
      else if (painting?.isDone) this.#finish(painting);
    } catch (error) {
      this.#fail(error);
    }
    return this.#isOver;
  }

  /** From the checkpoint; anew where that is damaged or another painting's, since a job is worth more than its start. */
  #paintingOf({ pictures, checkpoint }: PaintRequest, network: Vgg19, memory: Memory): Painting {
    try {
      return new Painting(network, this.#options, pictures, checkpoint, memory);
    } catch (error) {
      if (!(error instanceof CheckpointError)) {
        throw error;
      }
      const painting = new Painting(network, this.#options, pictures, null, memory);
      void this.#tell({ type: "begun_anew", message: error.message });
      return painting;
    }
  }

  /** A disk that is full must not end the painting. */
  #save(painting: Painting, path: string): void {
    try {
      painting.save(path);
      void this.#tell({ type: "checkpoint", step: painting.progress().step, path });
    } catch (error) {
      void this.#tell({ type: "checkpoint_failed", message: messageOf(error) });
    }
  }

  #finish(painting: Painting): void {
    const isDeep = this.#options.output.bit_depth === 16;
    const picture = isDeep ? painting.deepPicture() : painting.picture();
    const pixels = painting.isBare ? null : painting.pixels();
    this.#end({ type: "painted", picture, pixels, progress: painting.progress() });
  }

  #fail(error: unknown): void {
    this.#end({ type: "failed", ...failureOf(error) });
  }

  #end(event: EventOf<"painted" | "failed" | "canceled">): void {
    this.#isOver = true;
    void this.#tell(event);
    this.#request = undefined;
    this.#painting?.dispose();
    this.#painting = undefined;
  }

  #tell(event: EventOf<EngineEvent["type"]>): Promise<void> {
    return this.#send({ ...event, id: this.id } as EngineEvent);
  }
}

/** What is told of a painting, without its id. */
type EventOf<Type> = EngineEvent extends infer Event
  ? Event extends { type: Type; id: string }
    ? Omit<Event, "id">
    : never
  : never;

/** Whether the picture at a step is a preview, or one of the timelapse. */
function isShown({ preview_interval, timelapse_interval }: Options, step: number): boolean {
  return [preview_interval, timelapse_interval].some((interval) => interval > 0 && step % interval === 0);
}
