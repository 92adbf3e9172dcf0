import { HeadBucketCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { type Config, ConfigError, type S3Settings } from "../config.ts";
import type { BlobStore } from "./blob-store.ts";
import { checkFolder } from "./check-folder.ts";
import { FilesystemBlobStore } from "./filesystem.ts";
import { S3BlobStore } from "./s3.ts";

const CONNECT_MS = 5_000;
/** From a request's start to the first byte of its answer, the sending of a part included. */
const ANSWER_MS = 60_000;
/** As many pictures may be on their way at once; a slow client holds its connection for long. */
const CONNECTIONS = 256;

/** The blob store that the settings name, for the API and the workers alike. */
export function createBlobStore({ storage }: Config): BlobStore {
  if (storage.type === "filesystem") return new FilesystemBlobStore(storage.directory);
  const client = createClient(storage, storage.endpoint);
  const publicClient = storage.publicEndpoint ? createClient(storage, storage.publicEndpoint) : client;
  return new S3BlobStore(client, { bucket: storage.bucket, prefix: storage.prefix, publicClient });
}

/**
 * Throws a `ConfigError` where the store is there but its settings are wrong. A store that cannot be reached yet
 * is no fault of theirs: /readyz says so.
 */
export async function checkBlobStore({ storage, dataDirectory }: Config): Promise<void> {
  if (storage.type === "filesystem") return await checkFolder("DATA_DIR", dataDirectory);
  const client = createClient(storage, storage.endpoint);
  const where = `"${storage.bucket}"${storage.endpoint ? ` at ${storage.endpoint}` : ""}`;
  try {
    await client.send(new HeadBucketCommand({ Bucket: storage.bucket }));
  } catch (error) {
    if (!(error instanceof S3ServiceException)) return;
    const status = error.$metadata.httpStatusCode;
    if (status === 404) throw new ConfigError(`S3_BUCKET: expected a bucket that exists, received ${where}`);
    if (status === 401 || status === 403) {
      throw new ConfigError(
        `S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: the server does not let them use ${where}`,
      );
    }
  } finally {
    client.destroy();
  }
}

function createClient(storage: S3Settings, endpoint: string | null): S3Client {
  const { credentials } = storage;
  return new S3Client({
    region: storage.region,
    ...(credentials && { credentials }),
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: CONNECTIONS, keepAlive: true },
      httpsAgent: { maxSockets: CONNECTIONS, keepAlive: true },
    },
    ...(endpoint !== null && {
      endpoint,
      forcePathStyle: true,
      // The checksums that Amazon's S3 wants by default are not known to every other one.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    }),
  });
}
