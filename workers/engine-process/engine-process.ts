import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { EngineEvent, EngineRequest, PaintRequest } from "../engine/protocol.ts";
import { type EngineExit, type EngineProgram, spawnEngine } from "./spawn-engine.ts";

const START_TIMEOUT_MS = 180_000;
const RETRY_MS = 30_000;
const MAXIMUM_BACKOFF_MS = 30_000;
/** A crash after this time says nothing about the next process: the backoff starts again. */
const STABLE_MS = 60_000;
/** Crashes in a row after which the engine counts as unavailable. */
const MAXIMUM_CRASHES = 3;

export type EngineState =
  | { type: "starting" }
  | { type: "ready"; engine: EngineDescription; largest_size: number }
  | { type: "not_ready"; code: JobErrorCode; message: string };

/** An event of a painting in progress. */
export type PaintingEvent = Extract<
  EngineEvent,
  { type: "progress" | "preview" | "checkpoint" | "checkpoint_failed" | "restarted" }
>;

/** The end of a painting. */
export type PaintingEnd =
  | Extract<EngineEvent, { type: "painted" | "failed" | "canceled" }>
  | { type: "crashed"; code: JobErrorCode; message: string };

export interface EngineProcessSettings extends EngineProgram {
  /** Time after which an engine without weights, for example, is restarted to look for them again. */
  retryMs?: number;
  onState?: (state: EngineState) => void;
  onCrash?: () => void;
  /** Called with a message for the log. */
  onWarning?: (message: string) => void;
}

interface Painting {
  onEvent: (event: PaintingEvent) => void;
  onEnd: (end: PaintingEnd) => void;
}

/** Keeps an engine process running, restarts it when it exits, and paints one picture at a time on it. */
export class EngineProcess {
  private child: ChildProcess | null = null;
  private current: EngineState = { type: "starting" };
  private readonly stateListeners = new Set<() => void>();
  private painting: Painting | null = null;
  /** Crashes in a row. */
  private crashes = 0;
  /** The process runs but cannot paint, and will be restarted to look again for what is missing. */
  private missingDependency = false;
  private startedAt = 0;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(private readonly settings: EngineProcessSettings) {}

  get state(): EngineState {
    return this.current;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    if (this.stopped) return;
    this.startedAt = Date.now();
    this.child = spawnEngine(this.settings, {
      onEvent: (event) => this.onEvent(event),
      onError: (error) => this.settings.onWarning?.(`engine process: ${error.message}`),
      onExit: (exit) => this.onExit(exit),
    });
    this.schedule(START_TIMEOUT_MS, () => this.kill());
  }

  /** Resolves when the engine is ready or has reported why it is not, and when `signal` is aborted. */
  async whenReady(signal?: AbortSignal): Promise<EngineState> {
    while (this.current.type === "starting" && !signal?.aborted && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.stateListeners.add(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.current;
  }

  /** Paints a picture on a ready engine, one at a time. */
  async paint(
    request: Omit<PaintRequest, "type">,
    onEvent: (event: PaintingEvent) => void,
  ): Promise<PaintingEnd> {
    if (this.painting) throw new Error("The engine is already painting");
    if (this.current.type !== "ready") throw new Error("The engine is not ready");
    try {
      return await new Promise<PaintingEnd>((onEnd) => {
        this.painting = { onEvent, onEnd };
        this.send({ type: "paint", ...request });
      });
    } finally {
      this.painting = null;
    }
  }

  /** Asks for a checkpoint in a new file at `path`, after the current step. An event reports success or failure. */
  requestCheckpoint(path: string): void {
    this.send({ type: "checkpoint", path });
  }

  /** Changes the options of the current painting from its next step on. */
  updateOptions(options: Options, options_version: number): void {
    this.send({ type: "update_options", options, options_version });
  }

  /** Cancels the current painting before its next step. */
  cancel(): void {
    this.send({ type: "cancel" });
  }

  /** Kills an engine that no longer answers. Its painting ends as crashed, and a new process starts. */
  kill(): void {
    this.child?.kill("SIGKILL");
  }

  /** Stops the engine for good. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.notifyStateListeners();
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }

  private send(request: EngineRequest): void {
    // A message to an engine that has just died fails; onExit() reports the crash.
    if (this.child?.connected) this.child.send(request, () => undefined);
  }

  private onEvent(event: EngineEvent): void {
    switch (event.type) {
      case "ready":
      case "not_ready":
        if (this.timer) clearTimeout(this.timer);
        this.missingDependency = event.type === "not_ready";
        this.setState(event);
        if (this.missingDependency) this.schedule(this.settings.retryMs ?? RETRY_MS, () => this.kill());
        break;
      case "painted":
      case "failed":
      case "canceled":
        this.painting?.onEnd(event);
        break;
      default:
        this.painting?.onEvent(event);
    }
  }

  private onExit(exit: EngineExit): void {
    this.child = null;
    if (this.timer) clearTimeout(this.timer);
    const crash = describeCrash(exit);
    this.painting?.onEnd({ type: "crashed", ...crash });
    if (this.stopped) return;
    if (this.missingDependency) {
      this.missingDependency = false;
      this.start();
      return;
    }
    if (Date.now() - this.startedAt > STABLE_MS) this.crashes = 0;
    this.crashes++;
    const delayMs = this.crashes === 1 ? 0 : Math.min(1_000 * 2 ** (this.crashes - 2), MAXIMUM_BACKOFF_MS);
    this.settings.onCrash?.();
    const stderr = exit.stderrTail === "" ? "" : `; stderr: ${exit.stderrTail}`;
    this.settings.onWarning?.(`engine exited (${exit.cause}); restarting in ${delayMs / 1000} s${stderr}`);
    this.setState(
      this.crashes > MAXIMUM_CRASHES
        ? { type: "not_ready", code: "engine_unavailable", message: crash.message }
        : { type: "starting" },
    );
    this.schedule(delayMs, () => this.start());
  }

  private schedule(ms: number, action: () => void): void {
    this.timer = setTimeout(action, ms);
  }

  private setState(state: EngineState): void {
    this.current = state;
    this.notifyStateListeners();
    this.settings.onState?.(state);
  }

  private notifyStateListeners(): void {
    for (const listener of this.stateListeners) listener();
    this.stateListeners.clear();
  }
}

/** std::bad_alloc and TensorFlow's allocator abort the process with a message; the kernel's OOM killer leaves none. */
function describeCrash({ cause, stderrTail }: EngineExit): { code: JobErrorCode; message: string } {
  if (/bad_alloc|out of memory|OOM|failed to allocate|Allocation failed/i.test(stderrTail)) {
    return { code: "out_of_memory", message: "The engine ran out of memory at this size" };
  }
  return { code: "engine_crashed", message: `The engine process died (${cause})` };
}
