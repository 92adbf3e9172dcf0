import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { ROOT } from "../src/root.ts";
import { projectFiles } from "./support/project-files.ts";

/** The library of `import … from "…"`, of one over several lines, and of `import "…"`. */
const IMPORT = /^(?:(?:import|export) .*?|\}) from "([^".][^"]*)"|^import "([^".][^"]*)"/gm;

/** Libraries by name, with the folders or files that may know them: the table in docs/design.md. */
const known = new Map<string, string[]>();
beforeAll(async () => {
  const text = await readFile(join(ROOT, "docs/design.md"), "utf8");
  const table = /^\| library +\| known to .*\n\|[- |]+\n((?:\|.*\n)+)/m.exec(text)?.[1] ?? "";
  const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  for (const [, libraries = "", places = ""] of table.matchAll(/^\| ([^|]+) \| ([^|]+) \|/gm)) {
    for (const library of namesIn(libraries)) known.set(library, namesIn(places));
  }
});

describe("The table of libraries", () => {
  it("has every dependency, and nothing else", async () => {
    const read = async (path: string) => JSON.parse(await readFile(join(ROOT, path), "utf8"));
    const [root, generator] = [
      await read("package.json"),
      await read("clients/typescript/generate/package.json"),
    ];
    const names = Object.keys({
      ...root.dependencies,
      ...root.devDependencies,
      ...generator.devDependencies,
    });
    const installed = names.filter((name) => !name.startsWith("@types/"));
    expect([...known.keys()].sort()).toEqual([...new Set(installed)].sort());
  });

  it("says who imports what", async () => {
    const files = projectFiles(".ts", ".tsx", ".mjs").filter((path) => !/^(test|bench)\//.test(path));
    const strangers: string[] = [];
    const used = new Set<string>();
    for (const file of files) {
      const text = await readFile(join(ROOT, file), "utf8");
      for (const [, named, bare] of text.matchAll(IMPORT)) {
        const from = named ?? bare ?? "";
        const library = from.split("/", from.startsWith("@") ? 2 : 1).join("/");
        if (from.startsWith("node:")) continue;
        used.add(library);
        const places = known.get(library) ?? [];
        if (!places.some((place) => file === place || file.startsWith(`${place}/`)))
          strangers.push(`${file}: ${library}`);
      }
    }
    expect(used.size).toBeGreaterThan(20);
    expect(strangers).toEqual([]);
  });
});
