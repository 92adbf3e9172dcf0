import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobRun } from "./job-run.ts";

/** A folder of one attempt for files on their way between the engine and the blob store. */
export class Scratch {
  private constructor(private readonly folder: string) {}

  /** The folder's name says whose it is, so that it can be told later whether that attempt still runs. */
  static async open(root: string, { record, token }: JobRun): Promise<Scratch> {
    const folder = join(root, `${record.id}.${token}`);
    await mkdir(folder, { recursive: true });
    return new Scratch(folder);
  }

  /** A path at which there is no file yet. */
  newPath(): string {
    return join(this.folder, randomUUID());
  }

  /** Removes the folder and all that is still in it. */
  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
