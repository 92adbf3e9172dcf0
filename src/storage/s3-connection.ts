import { HeadBucketCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { ConfigError, type S3Settings } from "../config.ts";
import { S3BlobStore } from "./s3.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** From the start of a request to the first byte of its response, including the upload of a part. */
const RESPONSE_TIMEOUT_MS = 60_000;
/** Pictures that are transferred at once. A slow client holds its connection for long. */
const MAX_CONNECTIONS = 256;

export function createS3BlobStore(settings: S3Settings): S3BlobStore {
  const { bucket, prefix, endpoint, publicEndpoint } = settings;
  const client = createClient(settings, endpoint);
  const publicClient = publicEndpoint ? createClient(settings, publicEndpoint) : client;
  return new S3BlobStore(client, { bucket, prefix, publicClient });
}

/** Throws a `ConfigError` if the server rejects the settings. A server that cannot be reached is not an error. */
export async function checkBucket(settings: S3Settings): Promise<void> {
  const { bucket, endpoint } = settings;
  const client = createClient(settings, endpoint);
  const where = `"${bucket}"${endpoint ? ` at ${endpoint}` : ""}`;
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
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
    forcePathStyle: storage.forcePathStyle,
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
      // Not every S3 server supports the checksums that the SDK sends to Amazon by default.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    }),
  });
}
