import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { processMemory } from "../support/process-resources.ts";
import { childrenOf } from "../support/process-tree.ts";

const INTERVAL_MS = 100;

/** All processes that a process started, and theirs. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

/** Samples the memory of the processes that the API starts, and reads the API's own peak from the kernel. */
export class MemoryPeaks {
  private readonly stopped = new AbortController();
  private childrenMib = 0;
  private readonly sampling: Promise<void>;

  private constructor(private readonly pid: number) {
    this.sampling = this.sample();
  }

  static async start(pid: number): Promise<MemoryPeaks> {
    await writeFile(`/proc/${pid}/clear_refs`, "5"); // sets the peak to what is resident now: proc(5)
    return new MemoryPeaks(pid);
  }

  async stop(): Promise<{ apiMib: number; childrenMib: number }> {
    this.stopped.abort();
    await this.sampling;
    return { apiMib: (await processMemory(this.pid)).peak, childrenMib: this.childrenMib };
  }

  private async sample(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const memories = await Promise.all((await descendantsOf(this.pid)).map(processMemory));
      const sum = memories.reduce((total, { now }) => total + now, 0);
      this.childrenMib = Math.max(this.childrenMib, sum);
      await sleep(INTERVAL_MS);
    }
  }
}
