import { describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { checkNode } = await import(`${ROOT}/scripts/setup/node.mjs`);

describe("the check of Node's version", () => {
  it.each(["20.19.0", "20.20.2", "22.0.0", "23.11.1", "24.9.0"])("accepts %s", (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  it.each(["18.20.8", "20.18.3", "25.0.0"])("refuses %s and names it and the range", (version) => {
    expect(() => checkNode(version)).toThrow(
      `Node ${version} cannot run this project: it needs Node >=20.19 <25.`,
    );
  });
});
