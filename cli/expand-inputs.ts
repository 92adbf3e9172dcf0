import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { PictureFormat } from "../clients/typescript/index.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { extensionFor, prepareOutputFile, STDOUT, stem } from "./output-file.ts";
import { isUrl, pictureName, STDIN } from "./picture-source.ts";

/** The pictures that one job reads, and the file for its result. */
export interface JobFiles {
  name: string;
  content: string;
  styles: string[];
  output: string;
}

const PICTURE = /\.(jpe?g|png|webp|avif|heic|heif)$/i;

/**
 * Lists the jobs of `nst paint CONTENT STYLE…`: one for each content and style. A folder stands for each of its pictures.
 * If no style is a folder, all style files together are the style of one job. Calls `onLeftOut` with a message for each folder
 * that has other files.
 */
export async function listJobFiles(
  content: string,
  styles: string[],
  output: string | undefined,
  format: PictureFormat,
  onLeftOut: (message: string) => void,
): Promise<JobFiles[]> {
  const contents = await expand(content, onLeftOut);
  const expandedStyles = await Promise.all(styles.map((style) => expand(style, onLeftOut)));
  const hasStyleFolder = expandedStyles.some(({ isFolder }) => isFolder);
  const styleFiles = expandedStyles.flatMap(({ paths }) => paths);
  const styleSets = hasStyleFolder ? styleFiles.map((path) => [path]) : [styleFiles];
  const pairs = contents.paths.flatMap((path) => styleSets.map((styleSet) => ({ path, styleSet })));
  const isFolder = contents.isFolder || hasStyleFolder;
  if (isFolder && output === STDOUT) {
    throw new CommandError("-o -: expected a folder for the results, because there are several", EXIT.usage);
  }
  const usedNames = new Set<string>();
  const jobs: JobFiles[] = [];
  for (const { path, styleSet } of pairs) {
    const baseName = `${stem(pictureName(path))}-in-${styleSet.map((style) => stem(pictureName(style))).join("-and-")}`;
    const name = uniqueName(baseName, usedNames);
    const file = await prepareOutputFile(output, `${name}.${extensionFor(format)}`, isFolder);
    jobs.push({ name, content: path, styles: styleSet, output: file });
  }
  return jobs;
}

/** Appends a number if the name is used: `a.jpg` and `a.png` need two output files. */
function uniqueName(name: string, usedNames: Set<string>): string {
  let unique = name;
  for (let number = 2; usedNames.has(unique); number += 1) unique = `${name}-${number}`;
  usedNames.add(unique);
  return unique;
}

/** The pictures that one argument stands for. Calls `onLeftOut` with a message if it is a folder that has other files. */
export async function expand(
  path: string,
  onLeftOut: (message: string) => void,
): Promise<{ paths: string[]; isFolder: boolean }> {
  if (path === STDIN || isUrl(path)) return { paths: [path], isFolder: false };
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "no such file or folder" : error.message;
    throw new CommandError(`${path}: ${reason}`, EXIT.usage);
  });
  if (!found.isDirectory()) return { paths: [path], isFolder: false };
  const entries = await readdir(path, { withFileTypes: true }).catch((error: Error) => {
    throw new CommandError(`${path}: the folder cannot be read: ${error.message}`, EXIT.usage);
  });
  // macOS keeps a hidden "._a.jpg" beside "a.jpg" on foreign disks: it has no picture.
  const files = entries.filter((entry) => !entry.name.startsWith(".") && !entry.isDirectory());
  const names = files.map(({ name }) => name).sort();
  const pictures = names.filter((name) => PICTURE.test(name));
  if (pictures.length === 0) {
    throw new CommandError(
      `${path}: expected a folder with JPEG, PNG, WebP, AVIF or HEIC pictures`,
      EXIT.usage,
    );
  }
  const others = names.filter((name) => !PICTURE.test(name)).map((name) => extname(name) || name);
  if (others.length > 0)
    onLeftOut(`${path}: left out what is no picture: ${[...new Set(others)].join(", ")}`);
  return { paths: pictures.map((name) => join(path, name)), isFolder: true };
}
