import type { Loss, Progress } from "../../src/contract/job.ts";

/** A step's losses, as one line of the stored history. */
interface Entry extends Loss {
  step: number;
  /** Index of the scale that the step was made at. */
  scale: number;
  /** Counts the changes of the objective. */
  objective: number;
}

/** The losses of every step so far: lines of JSON, oldest first. */
export class LossHistory {
  private readonly entries: Entry[];

  /** @param stored what an earlier attempt kept; steps after `step`, from where the run goes on, are forgotten */
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

  /** For a run that begins anew. */
  forget(): void {
    this.entries.length = 0;
  }

  encode(): Uint8Array {
    return Buffer.from(this.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }
}
