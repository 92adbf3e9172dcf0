import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { EngineEvent, EngineRequest, PaintRequest } from "../engine/protocol.ts";

/** An event of a painting in progress. */
export type PaintingEvent = Extract<
  EngineEvent,
  { type: "progress" | "preview" | "checkpoint" | "checkpoint_failed" | "restarted" }
>;

type PaintingResult = Extract<EngineEvent, { type: "painted" | "failed" | "canceled" }>;

/** The end of a painting. */
export type PaintingEnd = PaintingResult | { type: "crashed"; code: JobErrorCode; message: string };

/** The engine sent something that the protocol does not allow: nothing that it sends can be trusted any more. */
export class EngineProtocolError extends Error {
  override readonly name = "EngineProtocolError";
}

/**
 * The conversation about one painting. It passes on only what the worker asked for, and at most one report per step: an
 * engine under a picture's control can neither name a file nor fill the worker's memory.
 */
export class Painting {
  /** The paths that the worker has named for checkpoints, and that no event has named yet. */
  private readonly checkpointPaths = new Set<string>();
  private step = 0;
  private hasRestarted = false;

  constructor(
    private readonly request: Omit<PaintRequest, "type">,
    private readonly send: (request: EngineRequest) => void,
    private readonly onEvent: (event: PaintingEvent) => void,
    readonly onEnd: (end: PaintingEnd) => void,
  ) {}

  start(): void {
    this.send({ type: "paint", ...this.request });
  }

  requestCheckpoint(path: string): void {
    this.checkpointPaths.add(path);
    this.send({ type: "checkpoint", path });
  }

  updateOptions(options: Options, options_version: number): void {
    this.send({ type: "update_options", options, options_version });
  }

  finish(): void {
    this.send({ type: "finish" });
  }

  cancel(): void {
    this.send({ type: "cancel" });
  }

  /** @throws EngineProtocolError */
  receive(event: PaintingEvent | PaintingResult): void {
    switch (event.type) {
      case "painted":
      case "failed":
      case "canceled":
        this.onEnd(event);
        return;
      case "progress":
        this.checkStep(event.progress.step, this.step + 1);
        this.step = event.progress.step;
        break;
      case "preview":
        this.checkStep(event.step, this.step);
        break;
      case "checkpoint":
        if (!this.checkpointPaths.delete(event.path))
          throw new EngineProtocolError("it reported a checkpoint in a file that was not named to it");
        break;
      case "checkpoint_failed":
        if (this.checkpointPaths.size === 0)
          throw new EngineProtocolError("it reported the failure of a checkpoint that was not requested");
        break;
      case "restarted":
        if (this.hasRestarted || this.step > 0 || this.request.checkpoint === null)
          throw new EngineProtocolError("it restarted a painting that has no checkpoint to give up");
        this.hasRestarted = true;
    }
    this.onEvent(event);
  }

  private checkStep(step: number, least: number): void {
    if (step < least || step > this.request.options.steps)
      throw new EngineProtocolError(`it reported step ${step} after step ${this.step}`);
  }
}
