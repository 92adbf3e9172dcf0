import { constants, openAsBlob } from "node:fs";
import { access } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Submission } from "../clients/typescript/index.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** The argument that stands for stdin. */
export const STDIN = "-";

export const isUrl = (text: string) => /^https?:\/\//i.test(text);

/** The name of a picture for files and messages. */
export function pictureName(argument: string): string {
  if (argument === STDIN) return "stdin";
  return isUrl(argument)
    ? basename(new URL(argument).pathname) || new URL(argument).hostname
    : basename(argument);
}

/** The pictures of a submission as arguments: files, URLs, and `-` for stdin. */
export interface PictureArguments {
  content: string | string[];
  style: string[];
  style_mask?: string[] | undefined;
  keep_mask?: string | undefined;
  init_picture?: string | undefined;
}

/** Reads the pictures of one command. stdin is read once, however many jobs use it. */
export class PictureReader {
  private stdin: Promise<File> | undefined;

  constructor(private readonly terminal: Terminal) {}

  /** The picture fields of a submission: a form of files, or JSON if one of the pictures is a URL, which the service fetches. */
  async read(pictures: PictureArguments): Promise<Pick<Submission, "content" | "style">> {
    const hasUrl = Object.values(pictures).flat().some(isUrl);
    const source = async (argument: string): Promise<unknown> => {
      if (isUrl(argument)) return { url: argument };
      const file = await this.open(argument);
      return hasUrl ? { base64: Buffer.from(await file.arrayBuffer()).toString("base64") } : file;
    };
    const read = async (value: string | string[]) =>
      Array.isArray(value) ? await Promise.all(value.map(source)) : await source(value);
    const fields = Object.entries(pictures).filter(([, value]) => value !== undefined);
    const sources = fields.map(async ([name, value]) => [name, await read(value)] as const);
    return Object.fromEntries(await Promise.all(sources)) as Pick<Submission, "content" | "style">;
  }

  private open(argument: string): Promise<File> {
    if (argument !== STDIN) return openFile(argument);
    this.stdin ??= buffer(this.terminal.input).then((bytes) => new File([new Uint8Array(bytes)], "stdin"));
    return this.stdin;
  }
}

/** Opens a picture for upload without reading it into memory. */
async function openFile(path: string): Promise<File> {
  try {
    await access(path, constants.R_OK);
    return new File([await openAsBlob(path)], basename(path));
  } catch (error) {
    throw new CommandError(`${path}: the file cannot be read: ${(error as Error).message}`, EXIT.usage);
  }
}
