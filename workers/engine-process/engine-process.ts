import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import {
  type EngineEvent,
  type EngineRequest,
  engineEventSchema,
  type PaintRequest,
} from "../engine/protocol.ts";
import { CrashBackoff } from "./crash-backoff.ts";
import { describeCrash, describeIssue } from "./describe-crash.ts";
import { EngineProtocolError, Painting, type PaintingEnd, type PaintingEvent } from "./painting.ts";
import { type EngineExit, type EngineProgram, spawnEngine } from "./spawn-engine.ts";

const START_TIMEOUT_MS = 180_000;
const RETRY_MS = 30_000;

export type EngineState =
  | { type: "starting" }
  | { type: "ready"; engine: EngineDescription; largest_size: number }
  | { type: "not_ready"; code: JobErrorCode; message: string };

export interface EngineProcessSettings extends EngineProgram {
  /** Time after which an engine without weights, for example, is restarted to look for them again. */
  retryMs?: number;
  onState?: (state: EngineState) => void;
  onCrash?: () => void;
  /** Called with a message for the log. */
  onWarning?: (message: string) => void;
}

/** Keeps an engine process running, restarts it when it exits, and paints one picture at a time on it. */
export class EngineProcess {
  private child: ChildProcess | null = null;
  private current: EngineState = { type: "starting" };
  private readonly stateListeners = new Set<() => void>();
  private painting: Painting | null = null;
  /** The running process has reported whether it can paint. */
  private hasReported = false;
  /** What the running process sent against the protocol; it is being killed for it. */
  private violation: string | null = null;
  private readonly backoff = new CrashBackoff();
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
    this.hasReported = false;
    this.violation = null;
    this.child = spawnEngine(this.settings, {
      onMessage: (message) => this.onMessage(message),
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
        this.painting = new Painting(request, (message) => this.send(message), onEvent, onEnd);
        this.painting.start();
      });
    } finally {
      this.painting = null;
    }
  }

  /** Asks for a checkpoint in a new file at `path`, after the current step. An event reports success or failure. */
  requestCheckpoint(path: string): void {
    this.painting?.requestCheckpoint(path);
  }

  /** Changes the options of the current painting from its next step on. */
  updateOptions(options: Options, options_version: number): void {
    this.painting?.updateOptions(options, options_version);
  }

  /** Ends the current painting after its step, with what it has. */
  finish(): void {
    this.painting?.finish();
  }

  /** Cancels the current painting before its next step. */
  cancel(): void {
    this.painting?.cancel();
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

  private onMessage(message: unknown): void {
    if (this.violation !== null) return;
    try {
      const parsed = engineEventSchema.safeParse(message);
      if (!parsed.success) throw new EngineProtocolError(`it sent ${describeIssue(parsed.error)}`);
      this.onEvent(parsed.data);
    } catch (error) {
      if (!(error instanceof EngineProtocolError)) throw error;
      this.violation = error.message;
      this.kill();
    }
  }

  private onEvent(event: EngineEvent): void {
    if (event.type !== "ready" && event.type !== "not_ready") {
      this.painting?.receive(event);
      return;
    }
    if (this.hasReported) throw new EngineProtocolError("it reported twice whether it can paint");
    this.hasReported = true;
    if (this.timer) clearTimeout(this.timer);
    this.missingDependency = event.type === "not_ready";
    this.setState(event);
    if (this.missingDependency) this.schedule(this.settings.retryMs ?? RETRY_MS, () => this.kill());
  }

  private onExit(exit: EngineExit): void {
    this.child = null;
    if (this.timer) clearTimeout(this.timer);
    const crash = describeCrash(exit, this.violation);
    this.painting?.onEnd({ type: "crashed", ...crash });
    if (this.stopped) return;
    const isWaiting = this.missingDependency && this.violation === null;
    this.missingDependency = false;
    if (isWaiting) {
      this.start();
      return;
    }
    const delayMs = this.backoff.onCrash(Date.now() - this.startedAt);
    this.settings.onCrash?.();
    const stderr = exit.stderrTail === "" ? "" : `; stderr: ${exit.stderrTail}`;
    const cause = this.violation === null ? exit.cause : `killed because ${this.violation}`;
    this.settings.onWarning?.(`engine exited (${cause}); restarting in ${delayMs / 1000} s${stderr}`);
    this.setState(
      this.backoff.isUnavailable
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
