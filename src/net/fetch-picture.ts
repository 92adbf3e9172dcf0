import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { ProblemError } from "../contract/problems.ts";
import { sendRequest } from "./send-request.ts";
import { parseHttpUrl, UrlNotAllowedError, type UrlPolicy, urlNotAllowed } from "./url-policy.ts";

const MAX_REDIRECTS = 3;
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/** No header of the client's request is passed on. */
const HEADERS = {
  accept: "image/avif, image/webp, image/png, image/jpeg",
  "accept-encoding": "identity",
};

/**
 * Opens the picture at a client's URL. `signal` also ends the reading of the stream. The size and the content are not
 * checked yet. Throws a `ProblemError` for `field`: `url_not_allowed` or `url_failed`.
 */
export async function fetchPicture(
  text: string,
  field: string,
  policy: UrlPolicy,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await followRedirects(text, policy, signal);
  } catch (error) {
    throw toProblemError(error, field, signal);
  }
}

/** Turns an error of the request, or of reading its response, into the problem that the client sees. */
export function toProblemError(error: unknown, field: string, signal: AbortSignal): unknown {
  const failed = (received: string, expected = "a URL that returns a picture") =>
    ProblemError.forField("url_failed", field, expected, received);
  if (error instanceof ProblemError) return error;
  if (error instanceof UrlNotAllowedError) return urlNotAllowed(field, error);
  if (error instanceof UnusableResponseError) return failed(error.message);
  if (signal.aborted) return failed("a URL that takes too long", "a URL that responds in time");
  if (CONNECTION_LOST.test(codeOf(error))) return failed("a response that was cut off");
  return error;
}

const CONNECTION_LOST = /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|HPE_.*)$/;

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

class UnusableResponseError extends Error {
  override readonly name = "UnusableResponseError";
}

async function followRedirects(text: string, policy: UrlPolicy, signal: AbortSignal): Promise<Readable> {
  let url = parseHttpUrl(text);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await get(url, policy, signal);
    const status = response.statusCode ?? 0;
    if (status === 200) return response;
    response.destroy();
    const { location } = response.headers;
    if (!REDIRECT_STATUSES.includes(status) || !location) {
      throw new UnusableResponseError(`a URL that returns status ${status}`);
    }
    url = parseHttpUrl(location, url);
  }
  throw new UnusableResponseError(`a URL that redirects more than ${MAX_REDIRECTS} times`);
}

async function get(url: URL, policy: UrlPolicy, signal: AbortSignal): Promise<IncomingMessage> {
  return await sendRequest(url, policy, { method: "GET", headers: HEADERS, signal }).catch((error) => {
    if (error instanceof UrlNotAllowedError || signal.aborted) throw error;
    throw new UnusableResponseError("a URL that cannot be reached");
  });
}
