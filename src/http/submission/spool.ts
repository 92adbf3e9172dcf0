import { createHash } from "node:crypto";
import { type FileHandle, mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ProblemError } from "../../contract/problems.ts";
import { StorageFullError } from "../../storage/blob-store.ts";
import { isFull, storageError } from "../../storage/file-errors.ts";
import type { SpaceReservation } from "../../storage/free-space.ts";

export interface SpoolLimits {
  /** Of one picture. */
  pictureBytes: number;
  /** Of all pictures of the request together. */
  requestBytes: number;
}

/** A temporary folder for the uploads of one request, until they are validated and stored. */
export class Spool {
  private count = 0;
  private bytes = 0;
  private readonly digests = new Map<string, string>();

  private constructor(
    private readonly folder: string,
    private readonly limits: SpoolLimits,
    private readonly space: SpaceReservation,
  ) {}

  static async open(root: string, limits: SpoolLimits, space: SpaceReservation): Promise<Spool> {
    try {
      await mkdir(root, { recursive: true });
      return new Spool(await mkdtemp(join(root, "request-")), limits, space);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Writes a picture to a file and returns its path. Throws a `ProblemError` for `name` if it is too large. */
  async write(name: string, picture: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
    const file = await this.create(name);
    try {
      for await (const chunk of picture) await file.write(chunk);
    } finally {
      await file.close();
    }
    return file.path;
  }

  /** Creates a file for the picture `name`, to be written piece by piece. */
  async create(name: string): Promise<SpooledFile> {
    const path = this.nextPath();
    const hash = createHash("sha256");
    const handle = await open(path, "wx", 0o640).catch((error: unknown) => {
      throw storageError(error);
    });
    let size = 0;
    return {
      path,
      write: async (chunk) => {
        size += chunk.length;
        this.checkSize(name, size, chunk.length);
        await this.space.use(chunk.length);
        hash.update(chunk);
        await writeAll(handle, chunk);
      },
      close: async () => {
        await handle.close();
        this.digests.set(path, hash.digest("hex"));
      },
    };
  }

  /** The SHA-256 of a file that is written completely. */
  digest(path: string): string {
    return this.digests.get(path) ?? "";
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private nextPath(): string {
    this.count += 1;
    return join(this.folder, String(this.count));
  }

  private checkSize(name: string, size: number, added: number): void {
    const { pictureBytes, requestBytes } = this.limits;
    if (size > pictureBytes) {
      const expected = `at most ${pictureBytes} bytes`;
      throw ProblemError.forField("picture_too_large", name, expected, "more than that");
    }
    this.bytes += added;
    if (this.bytes <= requestBytes) return;
    const detail = `Expected at most ${requestBytes} bytes of pictures, received more`;
    throw new ProblemError("request_too_large", detail);
  }
}

export interface SpooledFile {
  path: string;
  write: (chunk: Uint8Array) => Promise<void>;
  close: () => Promise<void>;
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
  } catch (error) {
    throw isFull(error) ? new StorageFullError(error) : error;
  }
}
