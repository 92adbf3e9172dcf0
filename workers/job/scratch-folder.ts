import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptContext } from "./attempt-context.ts";

/** A folder for the files that an attempt passes between the engine and the blob store. */
export class ScratchFolder {
  private constructor(private readonly path: string) {}

  /** The name has the job's id and the attempt's, so that maintenance can tell whether the attempt still runs. */
  static async create(root: string, { record, attemptId }: AttemptContext): Promise<ScratchFolder> {
    const path = join(root, `${record.id}.${attemptId}`);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new ScratchFolder(path);
  }

  /** A path in the folder at which there is no file yet. */
  newPath(): string {
    return join(this.path, randomUUID());
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
