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

/** How the various servers say that there is no room: Ceph, MinIO, SeaweedFS and others by code, some by status. */
const FULL = /^(QuotaExceeded|.*StorageFull|InsufficientStorage.*|.*BucketQuotaExceeded|EDQUOT|ENOSPC)$/;
/** Errors that say what they mean already. */
const OWN = [BlobNotFoundError, InvalidBlobKeyError, StorageFullError, StorageUnavailableError, RangeError];

/**
 * What S3, or the way to it, threw, in the words of the blob store. An error of the stream that was to be stored is
 * its sender's and stays what it is.
 */
export function storageError(error: unknown, body?: Readable): unknown {
  if (body?.errored) return body.errored;
  if (OWN.some((type) => error instanceof type)) return error;
  if (status(error) === 507 || (error instanceof S3ServiceException && FULL.test(error.name))) {
    return new StorageFullError(error);
  }
  return new StorageUnavailableError(error);
}
