import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import {
  type Blob,
  type BlobInfo,
  BlobNotFoundError,
  type BlobStore,
  type ByteRange,
  checkBlobKey,
  checkBlobPrefix,
} from "./blob-store.ts";
import { moveFile, syncFile, syncFolder } from "./durable-files.ts";
import { isMissing, storageError } from "./file-errors.ts";

/** What `ping` stores. */
const PROBE = { key: "readiness-probe", body: new Uint8Array(4096) };

/** The folder of incomplete blobs. No key leads there, as names do not start with a dot. */
const TEMPORARY = ".writing";

/**
 * A blob store in a folder. A blob is written to a temporary file, flushed to the disk and renamed, and its folder is flushed
 * too: after a crash it exists completely or not at all.
 */
export class FilesystemBlobStore implements BlobStore {
  constructor(readonly root: string) {}

  async put(key: string, body: Uint8Array | Readable): Promise<BlobInfo> {
    checkBlobKey(key);
    return await this.place(key, async (temporary) => {
      const file = await open(temporary, "wx", 0o640);
      try {
        await writeFile(file, body);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  async putFile(key: string, path: string): Promise<BlobInfo> {
    checkBlobKey(key);
    return await this.place(key, async (temporary) => {
      await moveFile(path, temporary);
      await syncFile(temporary);
    });
  }

  async get(key: string, range?: ByteRange): Promise<Blob> {
    const file = await openBlob(key, this.path(key));
    try {
      const { size, mtime } = await file.stat();
      if (range && !(range.start >= 0 && range.start <= range.end && range.end < size)) {
        throw new RangeError(`Bytes ${range.start}-${range.end} are outside of "${key}" (${size} bytes)`);
      }
      return { info: { key, size, modifiedAt: mtime }, stream: file.createReadStream({ ...range }) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read(key: string): Promise<Uint8Array> {
    const path = this.path(key);
    return await readFile(path).catch((error) => {
      throw isMissing(error) ? new BlobNotFoundError(key) : storageError(error);
    });
  }

  async stat(key: string): Promise<BlobInfo | null> {
    try {
      const found = await stat(this.path(key));
      return found.isFile() ? { key, size: found.size, modifiedAt: found.mtime } : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageError(error);
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.path(key);
    await rm(path, { force: true }).catch((error) => {
      throw storageError(error);
    });
    await this.removeEmptyFolders(dirname(path));
  }

  async *list(prefix: string): AsyncIterable<BlobInfo> {
    checkBlobPrefix(prefix);
    const entries = await readdir(join(this.root, prefix), { withFileTypes: true }).catch((error) => {
      if (isMissing(error)) return [];
      throw storageError(error);
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory()) yield* this.list(`${prefix}${entry.name}/`);
      else {
        const info = await this.stat(`${prefix}${entry.name}`);
        if (info) yield info;
      }
    }
  }

  async deleteIncompleteUploads(ageMs: number): Promise<number> {
    const folder = join(this.root, TEMPORARY);
    const names = await readdir(folder).catch((error) => {
      if (isMissing(error)) return [];
      throw storageError(error);
    });
    const before = Date.now() - ageMs;
    let count = 0;
    for (const name of names) {
      const found = await stat(join(folder, name)).catch(() => null);
      if (!found || found.mtimeMs > before) continue;
      await rm(join(folder, name), { force: true });
      count += 1;
    }
    return count;
  }

  /** Stores a blob as a submission does: a full or read-only disk shows only then. */
  async ping(): Promise<void> {
    await this.put(PROBE.key, PROBE.body);
    await this.delete(PROBE.key);
  }

  async presignedUrl(): Promise<null> {
    return null;
  }

  private path(key: string): string {
    checkBlobKey(key);
    return join(this.root, key);
  }

  private async place(key: string, write: (temporary: string) => Promise<void>): Promise<BlobInfo> {
    const folder = join(this.root, TEMPORARY);
    const temporary = join(folder, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      await write(temporary);
      const { size, mtime } = await stat(temporary);
      await this.renameInto(temporary, this.path(key));
      return { key, size, modifiedAt: mtime };
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw storageError(error);
    }
  }

  /** Tries again if another call deletes the folder, with its last blob, before this one uses it. */
  private async renameInto(temporary: string, target: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await mkdir(dirname(target), { recursive: true });
        await rename(temporary, target);
        await syncFolder(dirname(target));
        return;
      } catch (error) {
        if (!isMissing(error) || attempt === 5) throw error;
      }
    }
  }

  private async removeEmptyFolders(folder: string): Promise<void> {
    if (folder.length <= this.root.length) return;
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    await this.removeEmptyFolders(dirname(folder));
  }
}

async function openBlob(key: string, path: string) {
  const file = await open(path, "r").catch((error) => {
    throw isMissing(error) ? new BlobNotFoundError(key) : storageError(error);
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new BlobNotFoundError(key);
}
