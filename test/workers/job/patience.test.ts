import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { BlobNotFoundError } from "../../../src/storage/blob-store.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { JobFailure } from "../../../workers/job/fetch-pictures.ts";
import { Patience } from "../../../workers/job/patience.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const logger = pino({ level: "silent" });

function patience() {
  const store = new FilesystemBlobStore(join(folder(), "blobs"));
  return new Patience(store, new AbortController().signal, logger);
}

describe("Whoever insists on something with the store", () => {
  it("tries again after each pause, and then gives up with the last error", async () => {
    let tries = 0;
    const failing = async () => {
      tries += 1;
      throw new Error(`try ${tries}`);
    };
    await expect(patience().insist([1, 1], failing)).rejects.toThrow("try 3");
    expect(tries).toBe(3);
  });

  it("has the answer as soon as there is one", async () => {
    let tries = 0;
    const once = async () => {
      tries += 1;
      if (tries === 1) throw new Error("not now");
      return "stored";
    };
    expect(await patience().insist([1, 1], once)).toBe("stored");
    expect(tries).toBe(2);
  });

  it.each([
    ["what is not there", new BlobNotFoundError("jobs/1/content")],
    ["what the job itself lacks", new JobFailure("picture_unreadable", "Not a picture")],
  ])("does not try again for %s", async (_, error) => {
    let tries = 0;
    const failing = async () => {
      tries += 1;
      throw error;
    };
    await expect(patience().insist([1, 1], failing)).rejects.toBe(error);
    expect(tries).toBe(1);
  });
});
