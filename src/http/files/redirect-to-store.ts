import type { FastifyReply, FastifyRequest } from "fastify";
import type { BlobStore } from "../../storage/blob-store.ts";
import { isNotModified } from "./etag.ts";
import type { StoredFile } from "./send-file.ts";

/**
 * Redirects to a presigned URL of the store that is valid for `seconds`, so that the bytes do not pass through the API.
 * Returns null if the API must send the file itself: presigned URLs are disabled or unsupported, the file is gone, or the response
 * has no body (HEAD, 304). Browser scripts are not redirected either: they may not read from another site.
 */
export async function redirectToStore(
  request: FastifyRequest,
  reply: FastifyReply,
  store: BlobStore,
  file: StoredFile,
  seconds: number,
): Promise<FastifyReply | null> {
  if (seconds === 0 || request.method !== "GET" || isBrowserScript(request)) return null;
  if (isNotModified(request.headers["if-none-match"], file.etag) || !(await store.stat(file.key)))
    return null;
  const disposition = `inline; filename="${file.fileName}"`;
  const url = await store.presignedUrl(file.key, { seconds, mediaType: file.mediaType, disposition });
  if (url === null) return null;
  return reply.code(307).headers({ location: url, vary: "accept", "cache-control": "no-store" }).send();
}

/** Browsers say who asks (Fetch Metadata). Node's fetch sends the mode, but no site. */
function isBrowserScript({ headers }: FastifyRequest): boolean {
  const mode = headers["sec-fetch-mode"];
  return headers["sec-fetch-site"] !== undefined && (mode === "cors" || mode === "same-origin");
}
