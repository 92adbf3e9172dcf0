import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

interface Answer {
  milliseconds: number;
  loss: number;
}

/** A measured process: one line asked, one line of JSON answered. */
export class LineProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(command: string, parameters: string[], environment: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, parameters, { env: environment });
    this.#child.stderr.on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(request: string): Promise<Answer> {
    this.#child.stdin.write(`${request}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) {
      throw new Error(`${this.#child.spawnfile} ended: ${this.#errors}`);
    }
    return JSON.parse(value) as Answer;
  }

  /** The most memory that the process ever had resident, in MiB (Linux). */
  async peakMib(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }
}
