import { describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { checkNode } = await import(`${ROOT}/scripts/setup/node.mjs`);

/** The check's warnings. */
function warningsFor(version: string): string[] {
  const warnings: string[] = [];
  checkNode(version, (line: string) => warnings.push(line));
  return warnings;
}

describe("The check of Node's version", () => {
  it.each(["20.19.0", "20.20.2", "22.0.0", "23.11.1", "24.9.0", "25.0.0", "26.10.0"])(
    "accepts %s without a warning",
    (version) => {
      expect(warningsFor(version)).toEqual([]);
    },
  );

  it.each(["27.0.0", "30.1.0"])(
    "warns about %s, which is newer than those tried, and continues",
    (version) => {
      expect(warningsFor(version)).toEqual([expect.stringContaining(`Node ${version} is newer than`)]);
    },
  );

  it.each(["18.20.8", "20.18.3"])("rejects %s, and names the version needed", (version) => {
    expect(() => checkNode(version)).toThrow(
      `Node ${version} is too old: this project needs Node 20.19 or newer.`,
    );
  });
});
