import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";
import { ignoredFolders, projectFiles } from "../support/project-files.ts";

/** Paths of the project's Markdown files, and what is in them. */
let pages: { path: string; text: string }[];
beforeAll(async () => {
  const paths = projectFiles(".md");
  pages = await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })),
  );
});

const page = (path: string) => pages.find((one) => one.path === path)?.text ?? "";

/** A heading's anchor, as GitHub makes it. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading));

describe("The documentation", () => {
  it("links only to existing files and headings", () => {
    const broken: string[] = [];
    let count = 0;
    for (const { path, text } of pages) {
      for (const [, inText, inTag] of text.matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)) {
        const link = inText ?? inTag ?? "";
        if (/^[a-z]+:/.test(link)) continue;
        count += 1;
        const [file = "", heading] = link.split("#");
        const target = file === "" ? path : join(dirname(path), file);
        const isThere =
          existsSync(join(ROOT, target)) &&
          (heading === undefined || anchorsOf(page(target)).includes(heading));
        if (!isThere) broken.push(`${path}: ${link}`);
      }
    }
    expect(count).toBeGreaterThan(50);
    expect(broken).toEqual([]);
  });

  it("names only existing files of the project", () => {
    const generated = ignoredFolders();
    const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && !generated.has(entry.name),
    );
    const names = folders.map(({ name }) => name.replace(".", "\\.")).join("|");
    const named = new RegExp(`\`((?:${names})/[^\`\\s{}*…<>]*)\``, "g");
    const gone: string[] = [];
    let count = 0;
    for (const { path, text } of pages) {
      for (const [, file = ""] of text.matchAll(named)) {
        count += 1;
        if (!existsSync(join(ROOT, file))) gone.push(`${path}: ${file}`);
      }
    }
    expect(count).toBeGreaterThan(50);
    expect(gone).toEqual([]);
  });

  it("names only existing npm scripts", async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
    const named = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/npm run (?:-s )?([a-z:-]*[a-z])/g)].map(([, name = ""]) => `${path}: ${name}`),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((one) => !((one.split(": ")[1] ?? "") in scripts))).toEqual([]);
  });
});
