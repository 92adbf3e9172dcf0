import { openAsBlob } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { PictureFormat } from "../clients/typescript/index.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { extensionFor, prepareOutputFile, stem } from "./output-file.ts";

/** The files that one job reads, and the file for its result. */
export interface JobFiles {
  name: string;
  content: string;
  styles: string[];
  output: string;
}

const PICTURE = /\.(jpe?g|png|webp|avif)$/i;

/**
 * Lists the jobs of `nst paint CONTENT STYLE…`: one for each content and style. A folder stands for each of its pictures.
 * If no style is a folder, all style files together are the style of one job.
 */
export async function listJobFiles(
  content: string,
  styles: string[],
  output: string | undefined,
  format: PictureFormat,
): Promise<JobFiles[]> {
  const contents = await expand(content);
  const expandedStyles = await Promise.all(styles.map(expand));
  const hasStyleFolder = expandedStyles.some(({ isFolder }) => isFolder);
  const styleFiles = expandedStyles.flatMap(({ paths }) => paths);
  const styleSets = hasStyleFolder ? styleFiles.map((path) => [path]) : [styleFiles];
  const pairs = contents.paths.flatMap((path) => styleSets.map((styleSet) => ({ path, styleSet })));
  const isFolder = contents.isFolder || hasStyleFolder;
  const usedNames = new Set<string>();
  const jobs: JobFiles[] = [];
  for (const { path, styleSet } of pairs) {
    const name = uniqueName(`${stem(path)}-in-${styleSet.map(stem).join("-and-")}`, usedNames);
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

/** Opens a picture for upload without reading it into memory. */
export async function openPicture(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}

async function expand(path: string): Promise<{ paths: string[]; isFolder: boolean }> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CommandError(`${path}: no such file or folder`, EXIT.usage);
  if (!found.isDirectory()) return { paths: [path], isFolder: false };
  const names = (await readdir(path)).filter((name) => PICTURE.test(name)).sort();
  if (names.length === 0) {
    throw new CommandError(`${path}: expected a folder with JPEG, PNG, WebP or AVIF pictures`, EXIT.usage);
  }
  return { paths: names.map((name) => join(path, name)), isFolder: true };
}
