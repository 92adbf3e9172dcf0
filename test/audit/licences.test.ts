import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { licencesOf, unusualLicences } = await import(join(ROOT, "scripts/audit/licences.mjs"));

describe("The dependencies' licences", () => {
  it("are all permissive, or allowed with a reason", async () => {
    const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
    expect(licencesOf(lock).length).toBeGreaterThan(3);
    expect(unusualLicences(lock)).toEqual([]);
  });

  it("report packages whose licence is not allowed", () => {
    const packages = {
      "node_modules/a": { license: "GPL-3.0" },
      "node_modules/b": {},
      "node_modules/c": { license: "(MIT OR GPL-2.0)" },
      "node_modules/d": { license: "MIT AND AGPL-3.0" },
      "node_modules/e": { license: "GPL-3.0", dev: true },
    };
    expect(unusualLicences({ packages })).toEqual(["a: GPL-3.0", "b: no licence", "d: MIT AND AGPL-3.0"]);
  });
});
