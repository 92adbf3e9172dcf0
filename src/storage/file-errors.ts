import { StorageFullError, StorageUnavailableError } from "./blob-store.ts";

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === "object" && error !== null && "code" in error && codes.includes(String(error.code));
}

export const isMissing = (error: unknown) => hasCode(error, "ENOENT", "ENOTDIR");

export const isFull = (error: unknown) => hasCode(error, "ENOSPC", "EDQUOT");

const UNAVAILABLE = [
  "EROFS",
  "EIO",
  "EACCES",
  "EPERM",
  "ENOTDIR",
  "ENODEV",
  "ENOTCONN",
  "ESTALE",
  "ETIMEDOUT",
];

/** Translates errors of a full or unusable disk into those of the blob store. */
export function storageError(error: unknown): unknown {
  if (isFull(error)) return new StorageFullError(error);
  return hasCode(error, ...UNAVAILABLE) ? new StorageUnavailableError(error) : error;
}
