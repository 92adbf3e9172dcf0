import { spawnSync } from "node:child_process";
import { describe, it } from "@jest/globals";

/**
 * Tests that need something that not every machine has. Without it they are skipped, and `npm test` says why; in CI
 * they fail.
 * @param missing what is missing and how to get it; undefined if nothing is
 */
export function describeIfPossible(title: string, missing: string | undefined, tests: () => void): void {
  if (missing === undefined) {
    describe(title, tests);
  } else if (process.env.CI) {
    it(title, () => {
      throw new Error(missing);
    });
  } else {
    const skipped = describe.skip;
    skipped(`${title}: ${missing}`, tests);
  }
}

/** What is missing to mount a disk: only root may, on Linux and outside of most containers. */
export function missingToMount(): string | undefined {
  const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0;
  return mayMount ? undefined : "this process may not mount a disk (run the tests as root on Linux)";
}
