import { openAsBlob } from "node:fs";
import { access, constants, mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { PictureFormat } from "../clients/typescript/index.ts";
import { CommandError, EXIT } from "./exit-codes.ts";

/** One painting to be made. */
export interface Order {
  name: string;
  content: string;
  styles: string[];
  output: string;
}

const PICTURE = /\.(jpe?g|png|webp|avif)$/i;

/**
 * The paintings that a command line asks for: a folder of contents is each of its pictures, a folder of styles each of
 * its pictures too; several style files without a folder are one style together.
 */
export async function orders(
  content: string,
  styles: string[],
  output: string | undefined,
  format: PictureFormat,
): Promise<Order[]> {
  const contents = await picturesAt(content);
  const perStyle = await Promise.all(styles.map(picturesAt));
  const anyFolder = perStyle.some(({ folder }) => folder);
  const manners = anyFolder
    ? perStyle.flatMap(({ paths }) => paths.map((path) => [path]))
    : [perStyle.flatMap(({ paths }) => paths)];
  const pairs = contents.paths.flatMap((picture) => manners.map((manner) => ({ picture, manner })));
  const several = contents.folder || anyFolder;
  const taken = new Set<string>();
  const list: Order[] = [];
  for (const { picture, manner } of pairs) {
    const name = distinct(`${stem(picture)}-in-${manner.map(stem).join("-and-")}`, taken);
    const file = await outputFile(output, `${name}.${endingOf(format)}`, several);
    list.push({ name, content: picture, styles: manner, output: file });
  }
  return list;
}

/** The name, with a number where it is taken: `a.jpg` and `a.png` are two paintings. */
function distinct(name: string, taken: Set<string>): string {
  let one = name;
  for (let number = 2; taken.has(one); number += 1) one = `${name}-${number}`;
  taken.add(one);
  return one;
}

/**
 * The file that a picture is to go to: what `output` says, or where that is a folder, `name` in it. The folder is made and
 * can be written then: whoever has waited for a painting should not get to know that it cannot be kept.
 */
export async function outputFile(output: string | undefined, name: string, several = false): Promise<string> {
  const isFolder = several || output?.endsWith("/") || (await isDirectory(output));
  const path = isFolder ? join(output ?? ".", name) : (output ?? name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    const expected = "expected a folder that can be written, or made";
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${dirname(path)}: ${expected}: ${reason}`, EXIT.usage);
  }
  return path;
}

/** The format that a file's name asks for. */
export function formatOf(path: string | undefined): PictureFormat | undefined {
  const ending = /\.(png|jpe?g|webp|avif)$/i.exec(path ?? "")?.[1]?.toLowerCase();
  return ending === "jpg" ? "jpeg" : (ending as PictureFormat | undefined);
}

/** The usual ending of a format's files. */
export const endingOf = (format: PictureFormat) => (format === "jpeg" ? "jpg" : format);

export const stem = (path: string) => basename(path, extname(path));

/** A picture's file, under its own name. */
export async function openPicture(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}

async function isDirectory(path: string | undefined): Promise<boolean> {
  return path !== undefined && ((await stat(path).catch(() => undefined))?.isDirectory() ?? false);
}

async function picturesAt(path: string): Promise<{ paths: string[]; folder: boolean }> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CommandError(`${path}: there is no such file or folder`, EXIT.usage);
  if (!found.isDirectory()) return { paths: [path], folder: false };
  const names = (await readdir(path)).filter((name) => PICTURE.test(name)).sort();
  if (names.length === 0) {
    throw new CommandError(`${path}: expected a folder with JPEG, PNG, WebP or AVIF pictures`, EXIT.usage);
  }
  return { paths: names.map((name) => join(path, name)), folder: true };
}
