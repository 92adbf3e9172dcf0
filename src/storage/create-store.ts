import { HeadBucketCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { type Config, ConfigError, type S3Settings } from "../config.ts";
import type { BlobStore } from "./blob-store.ts";
import { checkFolder } from "./check-folder.ts";
import { FilesystemBlobStore } from "./filesystem.ts";
import { S3BlobStore } from "./s3.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** From the start of a request to the first byte of its response, including the upload of a part. */
const RESPONSE_TIMEOUT_MS = 60_000;
/** Pictures that are transferred at once. A slow client holds its connection for long. */
const MAX_CONNECTIONS = 256;

/** Creates the blob store of the settings. */
export function createBlobStore({ storage }: Config): BlobStore {
  if (storage.type === "filesystem") return new FilesystemBlobStore(storage.directory);
  const client = createClient(storage, storage.endpoint);
  const publicClient = storage.publicEndpoint ? createClient(storage, storage.publicEndpoint) : client;
  return new S3BlobStore(client, { bucket: storage.bucket, prefix: storage.prefix, publicClient });
}

/** Throws a `ConfigError` if the store rejects its settings. A store that cannot be reached is not an error: /readyz reports it. */
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
        `S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: the server denies them access to ${where}`,
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
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: RESPONSE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAX_CONNECTIONS, keepAlive: true },
      httpsAgent: { maxSockets: MAX_CONNECTIONS, keepAlive: true },
    },
    ...(endpoint !== null && {
      endpoint,
      forcePathStyle: true,
      // Not every S3 server supports the checksums that the SDK sends to Amazon by default.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    }),
  });
}
