import type { Loss, Progress } from "../../src/contract/job.ts";

/** The losses of a step, as one line of the stored history. */
interface Entry extends Loss {
  step: number;
  /** Index of the step's scale. */
  scale: number;
  /** Counts the changes of the objective: losses of different objectives cannot be compared. */
  objective: number;
}

/** The losses of all steps so far, stored as lines of JSON, oldest first. */
export class LossHistory {
  private readonly entries: Entry[];

  /** @param stored the history of an earlier attempt, of which the entries up to `step`, the checkpoint's, are kept */
  constructor(stored?: Uint8Array, step = 0) {
    const lines = stored ? Buffer.from(stored).toString().split("\n") : [];
    this.entries = lines
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Entry)
      .filter((entry) => entry.step <= step);
  }

  add({ step, scale, loss }: Progress, objective: number): void {
    if (loss) this.entries.push({ step, scale: scale.index, objective, ...loss });
  }

  clear(): void {
    this.entries.length = 0;
  }

  encode(): Uint8Array {
    return Buffer.from(this.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }
}
