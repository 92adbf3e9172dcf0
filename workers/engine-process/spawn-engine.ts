import { type ChildProcess, fork } from "node:child_process";
import { engineEnvironment } from "./engine-environment.ts";
import type { Sandbox } from "./sandbox.ts";

/** Characters of the engine's stderr that are kept to explain its exit. */
const STDERR_TAIL = 4_000;

export interface EngineProgram {
  /** The engine's compiled program, and its arguments. */
  script: string;
  arguments: string[];
  environment: NodeJS.ProcessEnv;
  /** Without one the engine has the worker's own access. */
  sandbox?: Sandbox | null;
  /** Cores to compute on; without it all that this process may use. */
  threads?: number | null;
}

/** How an engine process ended. */
export interface EngineExit {
  /** `exit code 1` or `signal SIGKILL`. */
  cause: string;
  stderrTail: string;
}

interface EngineListeners {
  /** Not parsed yet. */
  onMessage: (message: unknown) => void;
  onError: (error: Error) => void;
  onExit: (exit: EngineExit) => void;
}

/** Starts an engine process, in its sandbox if it has one. */
export function spawnEngine(program: EngineProgram, listeners: EngineListeners): ChildProcess {
  const { script, environment, sandbox } = program;
  const nodeOptions = ["--expose-gc"]; // the engine collects garbage after loading the weights
  const child = fork(script, program.arguments, {
    serialization: "advanced",
    execArgv: nodeOptions,
    ...(sandbox && {
      execPath: sandbox.program,
      execArgv: [...sandbox.arguments, process.execPath, ...nodeOptions],
    }),
    env: engineEnvironment(environment, program.threads ?? undefined),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderrTail = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    stderrTail = (stderrTail + bytes.toString()).slice(-STDERR_TAIL);
  });
  child.on("message", listeners.onMessage);
  child.on("error", listeners.onError);
  // "exit" may come before the last bytes of stderr, "close" does not.
  child.on("close", (code, signal) => {
    const cause = signal ? `signal ${signal}` : `exit code ${code}`;
    listeners.onExit({ cause, stderrTail: stderrTail.trim() });
  });
  return child;
}
