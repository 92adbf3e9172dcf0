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
