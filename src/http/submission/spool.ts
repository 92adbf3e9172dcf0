import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ProblemError } from "../../contract/problems.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import { isFull, storageError } from "../../storage/file-errors.ts";

/** A temporary folder for the uploads of one request, until they are validated and stored. */
export class Spool {
  private count = 0;
  private constructor(
    private readonly folder: string,
    private readonly maxPictureBytes: number,
  ) {}

  static async open(root: string, maxPictureBytes: number): Promise<Spool> {
    try {
      await mkdir(root, { recursive: true });
      return new Spool(await mkdtemp(join(root, "request-")), maxPictureBytes);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Writes a picture to a file and returns its path. Throws a `ProblemError` for `name` if it is too large. */
  async write(name: string, picture: Readable | Uint8Array): Promise<string> {
    const path = this.nextPath();
    const source = picture instanceof Readable ? picture : Readable.from([picture]);
    try {
      await pipeline(source, this.sizeLimit(name), createWriteStream(path, { flags: "wx", mode: 0o640 }));
    } catch (error) {
      // Any other error comes from the source.
      throw isFull(error) ? new StorageFullError(error) : error;
    }
    return path;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private nextPath(): string {
    this.count += 1;
    return join(this.folder, String(this.count));
  }

  private sizeLimit(name: string): Transform {
    let bytes = 0;
    const limit = this.maxPictureBytes;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes <= limit) return done(null, chunk);
        const expected = `at most ${limit} bytes`;
        return done(ProblemError.forField("picture_too_large", name, expected, "more than that"));
      },
    });
  }
}
