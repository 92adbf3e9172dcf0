import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { EngineDescription } from "../../src/contract/engine.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { EngineEvent, EngineRequest, PaintRequest } from "../engine/protocol.ts";
import { engineEnvironment } from "./engine-environment.ts";
import type { Sandbox } from "./sandbox.ts";

const START_TIMEOUT_MS = 180_000;
const LONGEST_BACKOFF_MS = 30_000;
/** An engine that lived this long was well: its end is no sign that the next one ends too. */
const STEADY_MS = 60_000;

export type EngineState =
  | { type: "starting" }
  | { type: "ready"; engine: EngineDescription; largest_size: number }
  | { type: "unready"; code: JobErrorCode; message: string };

/** What is told of a painting on its way. */
export type PaintingEvent = Extract<
  EngineEvent,
  { type: "progress" | "preview" | "checkpoint" | "checkpoint_failed" | "begun_anew" }
>;

/** How a painting ended. */
export type PaintingEnd =
  | Extract<EngineEvent, { type: "painted" | "failed" | "canceled" }>
  | { type: "crashed"; code: JobErrorCode; message: string };

export interface EngineProcessSettings {
  /** The compiled program of the engine, and its arguments. */
  script: string;
  arguments: string[];
  environment: NodeJS.ProcessEnv;
  /** Without one the engine has the worker's own access. */
  sandbox?: Sandbox | null;
  /** Cores that it computes on; all that this process may use if not given. */
  threads?: number | null;
  /** Time until an engine that lacks something looks for it again; 30 s if not given. */
  retryMs?: number;
  onState?: (state: EngineState) => void;
  /** The process died unasked. */
  onCrash?: () => void;
  /** A line for people about what happened to the process. */
  onNote?: (note: string) => void;
}

/** Who waits for the painting. */
interface Watcher {
  onEvent: (event: PaintingEvent) => void;
  onEnd: (end: PaintingEnd) => void;
}

/** The engine's process: started, watched, and started again when it dies. */
export class EngineProcess {
  private child: ChildProcess | null = null;
  private current: EngineState = { type: "starting" };
  private readonly stateWaiters = new Set<() => void>();
  /** Of the painting that is under way. */
  private watcher: Watcher | null = null;
  private crashes = 0;
  /** The process runs but cannot paint, and will be ended so that it looks again for what is missing. */
  private lacking = false;
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
    const { script, environment, sandbox } = this.settings;
    const node = ["--expose-gc"]; // the engine collects what loading the weights left behind
    const started = Date.now();
    const child = fork(script, this.settings.arguments, {
      serialization: "advanced",
      execArgv: node,
      ...(sandbox && {
        execPath: sandbox.program,
        execArgv: [...sandbox.arguments, process.execPath, ...node],
      }),
      env: engineEnvironment(environment, this.settings.threads ?? undefined),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child = child;
    this.timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
    let lastWords = "";
    child.stderr?.on("data", (bytes: Buffer) => {
      lastWords = (lastWords + bytes.toString()).slice(-4_000);
    });
    child.on("message", (event: EngineEvent) => this.receive(event));
    child.on("error", (error) => this.settings.onNote?.(`engine: ${error.message}`));
    // "close" comes after the pipe has given all, "exit" may not.
    child.on("close", (code, signal) => {
      if (Date.now() - started > STEADY_MS) this.crashes = 0;
      this.ended(code, signal, lastWords.trim());
    });
  }

  /** Waits for the engine to have loaded, or to have said why it cannot. */
  async settled(signal?: AbortSignal): Promise<EngineState> {
    while (this.current.type === "starting" && !signal?.aborted && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.stateWaiters.add(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.current;
  }

  /** Paints on a ready engine, one painting at a time; `onEvent` gets what happens on its way. */
  async paint(
    request: Omit<PaintRequest, "type">,
    onEvent: (event: PaintingEvent) => void,
  ): Promise<PaintingEnd> {
    if (this.watcher) throw new Error("The engine is painting already");
    if (this.current.type !== "ready") throw new Error("The engine is not ready");
    try {
      return await new Promise<PaintingEnd>((onEnd) => {
        this.watcher = { onEvent, onEnd };
        this.send({ type: "paint", ...request });
      });
    } finally {
      this.watcher = null;
    }
  }

  /** Has the painting's state written to a new file at `path` between two steps; an event says how that went. */
  requestCheckpoint(path: string): void {
    this.send({ type: "checkpoint", path });
  }

  /** Goes on with other weights from the painting's next step on. */
  steer(options: Options, steered: number): void {
    this.send({ type: "steer", options, steered });
  }

  /** Ends the painting before its next step. */
  cancel(): void {
    this.send({ type: "cancel" });
  }

  /** For an engine that does not answer any more: it is started again, and what it painted has crashed. */
  kill(): void {
    this.child?.kill("SIGKILL");
  }

  /** Ends the process for good. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    for (const wake of this.stateWaiters) wake();
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }

  private send(request: EngineRequest): void {
    // An engine that just died cannot be written to; its end is reported by "close".
    if (this.child?.connected) this.child.send(request, () => undefined);
  }

  private receive(event: EngineEvent): void {
    if (event.type === "ready" || event.type === "unready") {
      if (this.timer) clearTimeout(this.timer);
      this.enter(event);
      this.lacking = event.type === "unready";
      if (this.lacking) this.timer = setTimeout(() => this.kill(), this.settings.retryMs ?? 30_000);
      return;
    }
    if (event.type === "painted" || event.type === "failed" || event.type === "canceled")
      this.watcher?.onEnd(event);
    else this.watcher?.onEvent(event);
  }

  private ended(code: number | null, signal: NodeJS.Signals | null, lastWords: string): void {
    if (this.timer) clearTimeout(this.timer);
    this.child = null;
    const how = signal ? `signal ${signal}` : `exit code ${code}`;
    const crash = crashOf(how, lastWords);
    this.watcher?.onEnd({ type: "crashed", ...crash });
    if (this.stopped) return;
    if (this.lacking) {
      this.lacking = false;
      this.start();
      return;
    }
    this.settings.onCrash?.();
    this.settings.onNote?.(`engine ended by ${how}${lastWords ? `; its last words: ${lastWords}` : ""}`);
    const delay = this.crashes === 0 ? 0 : Math.min(1_000 * 2 ** (this.crashes - 1), LONGEST_BACKOFF_MS);
    this.crashes++;
    if (this.crashes > 3) this.enter({ type: "unready", code: "engine_unavailable", message: crash.message });
    else this.enter({ type: "starting" });
    this.timer = setTimeout(() => this.start(), delay);
  }

  private enter(state: EngineState): void {
    this.current = state;
    for (const wake of this.stateWaiters) wake();
    this.stateWaiters.clear();
    this.settings.onState?.(state);
  }
}

/** std::bad_alloc and TensorFlow's allocator abort the process and say so; the kernel's killer says nothing. */
function crashOf(how: string, lastWords: string): { code: JobErrorCode; message: string } {
  if (/bad_alloc|out of memory|OOM|failed to allocate|Allocation failed/i.test(lastWords)) {
    return { code: "out_of_memory", message: "The engine ran out of memory at this size" };
  }
  return { code: "engine_crashed", message: `The engine process died (${how})` };
}
