import { chmod, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { checkBlobStore } from "../../src/storage/create-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe("The folder of pictures", () => {
  it("is closed to other users, also if it exists already; a shared group keeps its access", async () => {
    const blobs = join(folder(), "blobs");
    await mkdir(blobs);
    await chmod(blobs, 0o2775);
    await checkBlobStore(readConfig({ DATA_DIR: folder() }));
    expect(await modeOf(blobs)).toBe(0o2770);
    await chmod(blobs, 0o700);
    await checkBlobStore(readConfig({ DATA_DIR: folder() }));
    expect(await modeOf(blobs)).toBe(0o700);
  });
});
