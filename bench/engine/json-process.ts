import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { processMemory } from "../process-memory.ts";

interface StepResult {
  milliseconds: number;
  loss: number;
}

/** A measured process: it answers each line on its standard input with a line of JSON. */
export class JsonProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderrTail = "";

  constructor(command: string, args: string[], environment: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, args, { env: environment });
    this.#child.stderr.on("data", (text) => {
      this.#stderrTail = (this.#stderrTail + text).slice(-4000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async request(line: "step" | "result"): Promise<StepResult> {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#child.spawnfile} exited: ${this.#stderrTail}`);
    return JSON.parse(value) as StepResult;
  }

  async peakMib(): Promise<number> {
    return (await processMemory(this.#child.pid ?? 0)).peakMib;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    await exited;
  }
}
