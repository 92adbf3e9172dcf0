import type { Config } from "../config.ts";
import type { BlobStore } from "./blob-store.ts";
import { checkFolder } from "./check-folder.ts";
import { FilesystemBlobStore } from "./filesystem.ts";
import { makePrivateFolder } from "./private-folder.ts";

/** Imports the AWS SDK only if it is used: that takes a fifth of the API's start-up time. */
const importS3 = () => import("./s3-connection.ts");

/** Creates the blob store of the settings. */
export async function createBlobStore({ storage }: Config): Promise<BlobStore> {
  if (storage.type === "filesystem") return new FilesystemBlobStore(storage.directory);
  return (await importS3()).createS3BlobStore(storage);
}

/** Throws a `ConfigError` if the store rejects its settings. A store that cannot be reached is not an error: /readyz reports it. */
export async function checkBlobStore({ storage, dataDirectory }: Config): Promise<void> {
  if (storage.type === "filesystem") {
    await checkFolder("DATA_DIR", dataDirectory);
    // A disk that is missing or full may recover, and /readyz reports it.
    return await makePrivateFolder(storage.directory, { group: true }).catch(() => undefined);
  }
  await (await importS3()).checkBucket(storage);
}
