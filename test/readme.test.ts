import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { presetNameSchema, requestOptionsSchema } from "../src/contract/options.ts";
import { environmentSchema } from "../src/environment/variables.ts";
import { ROOT } from "../src/root.ts";

describe("The README", () => {
  let readme: string;
  beforeAll(async () => {
    readme = await readFile(join(ROOT, "README.md"), "utf8");
  });

  /** What stands in the first column of the table that begins with this heading. */
  const firstColumn = (heading: string) => {
    const table = new RegExp(`^\\| ${heading} .*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, "m").exec(readme)?.[1] ?? "";
    return [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    );
  };

  it("shows options that the contract takes", () => {
    const shown = [...readme.matchAll(/'options=(\{.*\})'/g)].map(([, text]) => JSON.parse(text ?? ""));
    expect(shown).not.toEqual([]);
    for (const options of shown) expect(requestOptionsSchema.safeParse(options).error).toBeUndefined();
    const names = firstColumn("option");
    expect(names).toContain("style_weight");
    expect(names.filter((name) => !(name in requestOptionsSchema.shape))).toEqual([]);
    expect(firstColumn("preset").sort()).toEqual([...presetNameSchema.options].sort());
  });

  it("shows environment variables that the service reads", () => {
    const names = firstColumn("variable");
    expect(names).toContain("REDIS_URL");
    expect(names.filter((name) => !(name in environmentSchema.shape))).toEqual([]);
  });

  it("shows the commands to start with", () => {
    for (const command of ["npm run demo", "npm start", "npm test"])
      expect(readme).toContain(`    ${command}`);
  });
});
