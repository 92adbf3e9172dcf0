import type { Readable } from "node:stream";

export interface BlobInfo {
  key: string;
  /** Bytes. */
  size: number;
  modifiedAt: Date;
}

/** Bytes `start` to `end`, both inclusive and counted from 0, as in HTTP (RFC 9110, section 14.1.2). */
export interface ByteRange {
  start: number;
  end: number;
}

export interface Blob {
  info: BlobInfo;
  /** The whole blob, or the requested range. The caller must consume or destroy the stream. */
  stream: Readable;
}

export interface PresignedUrlOptions {
  /** How long the URL is valid. */
  seconds: number;
  /** `Content-Type` of the response. */
  mediaType: string;
  /** `Content-Disposition` of the response. */
  disposition: string;
}

/**
 * Stores pictures and checkpoints by key. A blob appears completely or not at all, and is never modified: readers of a
 * replaced blob still get the one they opened.
 *
 * A key is a path of 1 to 8 names joined by "/". A name has 1 to 128 of the characters `a–z A–Z 0–9 . _ -` and does not start
 * with a dot. Other keys throw `InvalidBlobKeyError`.
 */
export interface BlobStore {
  /** Stores bytes or a stream. An error of the stream is thrown and leaves nothing behind. */
  put(key: string, body: Uint8Array | Readable): Promise<BlobInfo>;
  /** Moves a local file into the store, and never what a link at its path leads to. */
  putFile(key: string, path: string): Promise<BlobInfo>;
  /** Opens a blob. Throws `BlobNotFoundError`, or `RangeError` if the range is not inside the blob. */
  get(key: string, range?: ByteRange): Promise<Blob>;
  /** Reads a whole blob into memory. Throws `BlobNotFoundError`. */
  read(key: string): Promise<Uint8Array>;
  stat(key: string): Promise<BlobInfo | null>;
  /** Deletes a blob, if it exists. */
  delete(key: string): Promise<void>;
  /**
   * Lists the blobs below `prefix`, which is a path that ends in "/", or "" for all: folder by folder, sorted by name. (S3
   * servers differ in whether "a.b" comes before or after the blobs below "a/".)
   */
  list(prefix: string): AsyncIterable<BlobInfo>;
  /** Removes incomplete blobs of writers that died more than `ageMs` ago. Returns how many. */
  deleteIncompleteUploads(ageMs: number): Promise<number>;
  /** Resolves if blobs can be written. */
  ping(): Promise<void>;
  /** A URL from which anybody can fetch the blob for a while; null if the store cannot presign URLs. */
  presignedUrl(key: string, options: PresignedUrlOptions): Promise<string | null>;
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

/** The store cannot be reached, or fails. A later attempt may succeed. */
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
