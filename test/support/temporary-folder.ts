import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";

/** Creates a folder for the tests of this block, and removes it after them. Call the result for its path. */
export function temporaryFolder(): () => string {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nst-test-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return () => folder;
}
