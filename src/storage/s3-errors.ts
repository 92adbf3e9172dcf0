import type { Readable } from "node:stream";
import { S3ServiceException } from "@aws-sdk/client-s3";
import {
  BlobNotFoundError,
  InvalidBlobKeyError,
  StorageFullError,
  StorageUnavailableError,
} from "./blob-store.ts";

const status = (error: unknown) =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

export const isNotFound = (error: unknown) =>
  error instanceof S3ServiceException && (error.name === "NoSuchKey" || error.name === "NotFound");

export const isRangeError = (error: unknown) =>
  error instanceof S3ServiceException && (error.name === "InvalidRange" || status(error) === 416);

/** Error codes of servers without free space: Ceph, MinIO, SeaweedFS and others. Some only send a status. */
const FULL = /^(QuotaExceeded|.*StorageFull|InsufficientStorage.*|.*BucketQuotaExceeded|EDQUOT|ENOSPC)$/;
/** Errors that need no translation. */
const OWN = [BlobNotFoundError, InvalidBlobKeyError, StorageFullError, StorageUnavailableError, RangeError];

/** Translates errors of S3 and of the connection into those of the blob store. An error of `body`, the stream to store, stays as it is. */
export function storageError(error: unknown, body?: Readable): unknown {
  if (body?.errored) return body.errored;
  if (OWN.some((type) => error instanceof type)) return error;
  if (status(error) === 507 || (error instanceof S3ServiceException && FULL.test(error.name))) {
    return new StorageFullError(error);
  }
  return new StorageUnavailableError(error);
}

/** Runs an action and throws its errors as those of a blob store. `body` is the stream that the action reads. */
export async function translateErrors<T>(action: () => Promise<T>, body?: Readable): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storageError(error, body);
  }
}
