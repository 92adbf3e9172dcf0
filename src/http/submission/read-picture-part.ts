import type { MultipartFile } from "@fastify/multipart";
import { ProblemError } from "../../contract/problems.ts";
import { URL_LENGTH } from "../../contract/request.ts";
import type { PictureSource } from "./parsed-submission.ts";
import { PictureWriter } from "./picture-writer.ts";
import type { Spool } from "./spool.ts";

/** How many bytes tell a picture's file from a URL. No picture begins with one of these. */
const HEAD_BYTES = 8;
const URL_START = /^https?:\/\//i;
const DATA_URI_START = /^data:/i;

/**
 * Reads the part of a form that is a picture: a file, an http URL or a `data:` URI. Returns null if the part is empty and
 * has no file name.
 *
 * @param onPicture called if the part is a picture, before the rest of it is read
 */
export async function readPicturePart(
  { file, filename }: MultipartFile,
  name: string,
  spool: Spool,
  onPicture: () => void,
): Promise<PictureSource | null> {
  const chunks = (file as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const head = await readHead(chunks);
  if (head.length === 0 && !filename) return null;
  onPicture();
  const all = concat(head, chunks);
  const start = head.toString("latin1");
  if (URL_START.test(start)) return { url: await readUrl(all, name) };
  if (DATA_URI_START.test(start)) return { path: await decode(all, name, spool) };
  return { path: await spool.write(name, all) };
}

async function readHead(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* concat(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => chunks };
}

async function readUrl(chunks: AsyncIterable<Buffer>, name: string): Promise<string> {
  let url = "";
  for await (const chunk of chunks) {
    url += chunk.toString("utf8");
    if (url.length > URL_LENGTH) {
      const expected = `a URL of at most ${URL_LENGTH} characters`;
      throw ProblemError.forField("invalid_request", name, expected, "a longer one");
    }
  }
  return url.trim();
}

async function decode(chunks: AsyncIterable<Buffer>, name: string, spool: Spool): Promise<string> {
  const writer = await PictureWriter.create(name, spool);
  try {
    for await (const chunk of chunks) await writer.write(chunk.toString("latin1"));
    return await writer.end();
  } catch (error) {
    await writer.close();
    throw error;
  }
}
