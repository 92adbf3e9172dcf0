import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../src/root.ts";

/** The folders that .gitignore names, such as node_modules. */
export function ignoredFolders(): Set<string> {
  const lines = readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n");
  return new Set(lines.filter((line) => line.endsWith("/")).map((line) => line.replace(/^\/|\/$/g, "")));
}

/** Paths, relative to the root, of the project's files with one of these endings. Ignored folders are left out. */
export function projectFiles(...endings: string[]): string[] {
  const ignored = ignoredFolders();
  const walk = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return ignored.has(entry.name) || entry.name === ".git" ? [] : walk(path);
      return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
    });
  return walk("");
}
