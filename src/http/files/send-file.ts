import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { BlobNotFoundError, type BlobStore } from "../../storage/blob-store.ts";
import { parseByteRange } from "./byte-range.ts";
import { isNotModified } from "./etag.ts";

export interface StoredFile {
  key: string;
  mediaType: string;
  /** Strong: the same ETag means the same bytes. */
  etag: string;
  fileName: string;
  cacheControl: string;
}

/**
 * Sends a file of the store, or the part that `Range` selects; handles `If-None-Match`, `If-Range` and HEAD. Throws a
 * `BlobNotFoundError` if the file is gone.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  store: BlobStore,
  file: StoredFile,
): Promise<FastifyReply> {
  const info = await store.stat(file.key);
  if (!info) throw new BlobNotFoundError(file.key);
  reply.headers({
    etag: file.etag,
    "cache-control": file.cacheControl,
    vary: "accept",
    "accept-ranges": "bytes",
  });
  const { range: rangeHeader, "if-none-match": ifNoneMatch, "if-range": ifRange } = request.headers;
  if (isNotModified(ifNoneMatch, file.etag)) return reply.code(304).send();

  // If the file has changed, a part of it would not fit the parts that the client has (RFC 9110, section 13.1.5).
  const isSameFile = ifRange === undefined || ifRange === file.etag;
  // A range has a meaning for GET only (RFC 9110, section 14.2).
  const isRanged = isSameFile && request.method === "GET";
  const range = isRanged ? parseByteRange(rangeHeader, info.size) : null;
  if (range === "unsatisfiable") {
    reply.header("content-range", `bytes */${info.size}`);
    const expected = `bytes within 0-${info.size - 1}`;
    throw ProblemError.forField("range_not_satisfiable", "range", expected, String(rangeHeader).slice(0, 80));
  }
  if (range) reply.code(206).header("content-range", `bytes ${range.start}-${range.end}/${info.size}`);
  reply.headers({
    "content-type": file.mediaType,
    "content-length": range ? range.end - range.start + 1 : info.size,
    "content-disposition": `inline; filename="${file.fileName}"`,
    "content-security-policy": "default-src 'none'; sandbox",
    // A signed link may be embedded in the page of another site.
    ...(request.caller.link !== null && { "cross-origin-resource-policy": "cross-origin" }),
  });
  if (request.method === "HEAD") return reply.send(Readable.from([]));
  const { info: opened, stream } = await store.get(file.key, range ?? undefined);
  // A preview may have been replaced in the meantime.
  if (!range) reply.header("content-length", opened.size);
  return reply.send(stream);
}
