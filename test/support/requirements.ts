import { describe, it } from "@jest/globals";

/**
 * Tests that need something that not every machine has.
 *
 * Without it they are skipped, and `npm test` ends with the reason; in CI they fail.
 * @param missing what is missing and how to get it; undefined if all is there
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
