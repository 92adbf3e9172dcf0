import type { Readable } from "node:stream";

export interface BlobInfo {
  key: string;
  /** Bytes. */
  size: number;
  modifiedAt: Date;
}

/** Bytes `start` to `end`, both included and counted from 0, as in HTTP (RFC 9110, section 14.1.2). */
export interface ByteRange {
  start: number;
  end: number;
}

export interface Blob {
  info: BlobInfo;
  /** The whole blob or the range asked for. The reader must consume or destroy it. */
  stream: Readable;
}

export interface LinkOptions {
  /** How long the link is good for. */
  seconds: number;
  /** `Content-Type` of the answer. */
  mediaType: string;
  /** `Content-Disposition` of the answer. */
  disposition: string;
}

/**
 * Pictures and checkpoints by key. A blob appears whole or not at all, and is never changed in part:
 * readers of a replaced blob go on with the one they opened.
 *
 * Keys are paths of 1 to 8 names joined by "/"; a name is 1 to 128 of `a–z A–Z 0–9 . _ -` and does not
 * start with a dot. Others throw `InvalidBlobKeyError`.
 */
export interface BlobStore {
  /** Stores bytes or what a stream gives; an error of the stream is thrown and leaves nothing behind. */
  put(key: string, body: Uint8Array | Readable): Promise<BlobInfo>;
  /** Takes over a file on this machine: afterwards it is gone from its path. */
  putFile(key: string, path: string): Promise<BlobInfo>;
  /** Opens a blob. Throws `BlobNotFoundError`, or `RangeError` where the range is not inside the blob. */
  get(key: string, range?: ByteRange): Promise<Blob>;
  /** A whole blob in memory: only for what is known to be small enough. Throws `BlobNotFoundError`. */
  read(key: string): Promise<Uint8Array>;
  stat(key: string): Promise<BlobInfo | null>;
  /** Deletes a blob; one that does not exist is no error. */
  delete(key: string): Promise<void>;
  /**
   * Blobs whose key starts with `prefix`, a whole path ending in "/" or "" for all: folder by folder, the names in each
   * in their order. (S3 servers differ in whether "a.b" comes before or after what lies below "a/".)
   */
  list(prefix: string): AsyncIterable<BlobInfo>;
  /** Removes what writers that died more than `ageMs` ago left half written. Gives how many these were. */
  removeUnfinished(ageMs: number): Promise<number>;
  /** Resolves if blobs can be written at the moment. */
  ping(): Promise<void>;
  /** An absolute URL from which anybody may get the blob for a while; null where the store has no such links. */
  link(key: string, options: LinkOptions): Promise<string | null>;
}

export class BlobNotFoundError extends Error {
  override readonly name = "BlobNotFoundError";
  constructor(readonly key: string) {
    super(`No blob "${key}"`);
  }
}

export class InvalidBlobKeyError extends Error {
  override readonly name = "InvalidBlobKeyError";
  constructor(key: string) {
    super(`Not a blob key: ${JSON.stringify(key.slice(0, 200))}`);
  }
}

/** The disk or the quota behind the store is full. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
  constructor(cause: unknown) {
    super("No space left to store pictures", { cause });
  }
}

/** The store cannot be reached, or refuses what it should do; another time may be better. */
export class StorageUnavailableError extends Error {
  override readonly name = "StorageUnavailableError";
  constructor(cause: unknown) {
    super("Pictures cannot be stored or read at the moment", { cause });
  }
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** Throws `InvalidBlobKeyError`. */
export function checkBlobKey(key: string): void {
  const names = key.split("/");
  if (names.length > 8 || !names.every((name) => NAME.test(name))) throw new InvalidBlobKeyError(key);
}

/** Throws `InvalidBlobKeyError`. */
export function checkBlobPrefix(prefix: string): void {
  if (prefix === "") return;
  if (!prefix.endsWith("/")) throw new InvalidBlobKeyError(prefix);
  checkBlobKey(prefix.slice(0, -1));
}
