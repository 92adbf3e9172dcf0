import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { BlobNotFoundError } from "../../../src/storage/blob-store.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { PermanentJobError } from "../../../workers/job/attempt-context.ts";
import { StoreRetry } from "../../../workers/job/store-retry.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const logger = pino({ level: "silent" });

function storeRetry() {
  const store = new FilesystemBlobStore(join(folder(), "blobs"));
  return new StoreRetry(store, new AbortController().signal, logger);
}

describe("StoreRetry.retry()", () => {
  it("retries after each delay, and then rejects with the last error", async () => {
    let tries = 0;
    const failing = async () => {
      tries += 1;
      throw new Error(`try ${tries}`);
    };
    await expect(storeRetry().retry([1, 1], failing)).rejects.toThrow("try 3");
    expect(tries).toBe(3);
  });

  it("resolves with the first result", async () => {
    let tries = 0;
    const once = async () => {
      tries += 1;
      if (tries === 1) throw new Error("not now");
      return "stored";
    };
    expect(await storeRetry().retry([1, 1], once)).toBe("stored");
    expect(tries).toBe(2);
  });

  it.each([
    ["a blob that does not exist", new BlobNotFoundError("jobs/1/content")],
    ["an error of the job itself", new PermanentJobError("picture_unreadable", "Not a picture")],
  ])("does not retry %s", async (_, error) => {
    let tries = 0;
    const failing = async () => {
      tries += 1;
      throw error;
    };
    await expect(storeRetry().retry([1, 1], failing)).rejects.toBe(error);
    expect(tries).toBe(1);
  });
});
