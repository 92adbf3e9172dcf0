import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { PictureProblem } from "../picture-problem.ts";
import type { TaskMessage, TaskReply } from "./messages.ts";

/** A process that has nothing to do ends after this time: libvips keeps the memory of the largest picture so far. */
const IDLE_MS = 10_000;
/** The shell sets the limit of the program that replaces it. RLIMIT_DATA counts what is written to; V8 reserves far more. */
const SET_LIMIT = 'ulimit -d "$0" 2>/dev/null; exec "$@"';
/** What the decoders need of the environment: no secret, and no address of Redis or the store. */
const INHERITED = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TZ"];

/** A task ended without an answer to what it was asked. */
export class PictureTaskError extends Error {
  override readonly name = "PictureTaskError";

  constructor(readonly reason: "memory" | "crashed") {
    super(`The picture process ended: ${reason}`);
  }
}

/** A process that works on one picture at a time, with bounded memory. It starts with the first task. */
export class PictureProcess {
  private child: ChildProcess | null = null;
  /** Whether the child has worked on other pictures, so that its memory may be fragmented. */
  private isUsed = false;
  private idle: NodeJS.Timeout | undefined;

  /** @param memoryBytes how much the process may have allocated at once, its own needs included */
  constructor(readonly memoryBytes: number) {}

  /**
   * Runs a task. Rejects with a `PictureProblem`, a `PictureTaskError`, or the signal's reason; then the task has ended.
   * A task that fails in a used process is repeated in a new one.
   */
  async run(task: TaskMessage, signal: AbortSignal): Promise<unknown> {
    const { isUsed } = this;
    try {
      return await this.attempt(task, signal);
    } catch (error) {
      if (!(error instanceof PictureTaskError && isUsed)) throw error;
      return await this.attempt(task, signal);
    }
  }

  stop(): void {
    clearTimeout(this.idle);
    this.child?.kill("SIGKILL");
    this.child = null;
    this.isUsed = false;
  }

  private async attempt(task: TaskMessage, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    clearTimeout(this.idle);
    this.child ??= this.start();
    this.isUsed = true;
    setReferenced(this.child, true);
    try {
      return output(await exchange(this.child, task, signal));
    } catch (error) {
      if (!(error instanceof PictureProblem)) this.stop();
      throw error;
    } finally {
      if (this.child) setReferenced(this.child, false);
      this.idle = setTimeout(() => this.stop(), IDLE_MS).unref();
    }
  }

  private start(): ChildProcess {
    const kib = String(Math.floor(this.memoryBytes / 1024));
    const program = [process.execPath, join(import.meta.dirname, "main.js")];
    const inherited = INHERITED.map((name) => [name, process.env[name]] as const);
    const child = spawn("/bin/sh", ["-c", SET_LIMIT, kib, ...program], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: Object.fromEntries(inherited.filter(([, value]) => value !== undefined)),
    });
    child.on("error", () => undefined);
    child.once("exit", () => {
      if (this.child === child) this.stop();
    });
    return child;
  }
}

/** Sends a task and waits for the reply. Kills the process if the signal is aborted. */
async function exchange(child: ChildProcess, task: TaskMessage, signal: AbortSignal): Promise<TaskReply> {
  const ended = new AbortController();
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true, signal: ended.signal });
  try {
    return await new Promise<TaskReply>((resolve, reject) => {
      const failed = (error: Error | null) => error && reject(error);
      const listeners = {
        message: resolve,
        error: failed,
        exit: (_code: number | null, killedBy: NodeJS.Signals | null) => {
          if (signal.aborted) return reject(signal.reason);
          // An invalid access is the picture's fault. Aborts and kills are how an allocation fails.
          const isInvalidAccess = killedBy === "SIGSEGV" || killedBy === "SIGBUS";
          reject(new PictureTaskError(isInvalidAccess ? "crashed" : "memory"));
        },
      };
      for (const [event, listener] of Object.entries(listeners)) child.on(event, listener);
      ended.signal.addEventListener("abort", () => {
        for (const [event, listener] of Object.entries(listeners)) child.off(event, listener);
      });
      child.send(task, failed);
    });
  } finally {
    ended.abort();
  }
}

function output(reply: TaskReply): unknown {
  switch (reply.type) {
    case "done":
      return reply.output;
    case "refused":
      throw new PictureProblem(reply.code, reply.expected, reply.received);
    case "memory":
      throw new PictureTaskError("memory");
    case "failed":
      throw new Error(reply.message);
  }
}

function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  const change = isReferenced ? "ref" : "unref";
  child[change]();
  child.channel?.[change]();
}
