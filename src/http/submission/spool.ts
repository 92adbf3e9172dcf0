import { constants, createWriteStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ProblemError } from "../../contract/problems.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import { isFull, storageError } from "../../storage/file-errors.ts";

/** A folder of its own for one request's uploads, until they are checked and stored. */
export class Spool {
  private count = 0;
  private constructor(
    private readonly folder: string,
    /** Bytes that one picture may have. */
    private readonly limit: number,
  ) {}

  static async open(root: string, limit: number): Promise<Spool> {
    try {
      await mkdir(root, { recursive: true });
      return new Spool(await mkdtemp(join(root, "request-")), limit);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Writes a picture to a file and gives its path. Throws a `ProblemError` that names `field` where it is too large. */
  async write(field: string, picture: Readable | Uint8Array): Promise<string> {
    const path = join(this.folder, String(this.count));
    this.count += 1;
    const source = picture instanceof Readable ? picture : Readable.from([picture]);
    try {
      await pipeline(source, this.counter(field), createWriteStream(path, { flags: "wx", mode: 0o640 }));
    } catch (error) {
      // What else it may be is the sender's.
      throw isFull(error) ? new StorageFullError(error) : error;
    }
    return path;
  }

  /** A second file with what is at `path`, which lies in this spool. */
  async copy(path: string): Promise<string> {
    const target = join(this.folder, String(this.count));
    this.count += 1;
    try {
      await copyFile(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    } catch (error) {
      throw storageError(error);
    }
    return target;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private counter(field: string): Transform {
    let bytes = 0;
    const { limit } = this;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes <= limit) return done(null, chunk);
        return done(
          ProblemError.forField("picture_too_large", field, `at most ${limit} bytes`, "more than that"),
        );
      },
    });
  }
}
