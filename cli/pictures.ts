import { openAsBlob } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { PictureFormat } from "../client/index.ts";
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
  const ending = endingOf(format);
  const nameOfPair = ({ picture, manner }: (typeof pairs)[number]) =>
    `${stem(picture)}-in-${manner.map(stem).join("-and-")}`;
  if (!contents.folder && !anyFolder) {
    return pairs.map((pair) => {
      const name = nameOfPair(pair);
      return { name, content: pair.picture, styles: pair.manner, output: output ?? `${name}.${ending}` };
    });
  }
  const folder = output ?? ".";
  await mkdir(folder, { recursive: true });
  return pairs.map((pair) => {
    const name = nameOfPair(pair);
    return { name, content: pair.picture, styles: pair.manner, output: join(folder, `${name}.${ending}`) };
  });
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
