import type { FastifyReply, FastifyRequest } from "fastify";
import type { BlobStore } from "../../storage/blob-store.ts";
import { isUnchanged } from "./conditional.ts";
import type { StoredFile } from "./send-file.ts";

/**
 * Answers with a link into the store that is good for `seconds`, so that the bytes do not pass through the API. Gives
 * null where the answer is to be sent from here: links are off, the store has none, the file is gone, the request is
 * for no bytes at all (HEAD, 304), or a page's script asks, which may read nothing from another site.
 */
export async function redirectToStore(
  request: FastifyRequest,
  reply: FastifyReply,
  store: BlobStore,
  file: StoredFile,
  seconds: number,
): Promise<FastifyReply | null> {
  if (seconds === 0 || request.method !== "GET" || isBrowserScript(request)) return null;
  if (isUnchanged(request.headers["if-none-match"], file.etag) || !(await store.stat(file.key))) return null;
  const disposition = `inline; filename="${file.fileName}"`;
  const link = await store.link(file.key, { seconds, mediaType: file.mediaType, disposition });
  if (link === null) return null;
  return reply.code(307).headers({ location: link, vary: "accept", "cache-control": "no-store" }).send();
}

/** Fetch Metadata: browsers say who asks. (Node's fetch sends the mode too, but no site.) */
function isBrowserScript({ headers }: FastifyRequest): boolean {
  const mode = headers["sec-fetch-mode"];
  return headers["sec-fetch-site"] !== undefined && (mode === "cors" || mode === "same-origin");
}
