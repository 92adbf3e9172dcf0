import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Refusal } from "../contract/problems.ts";
import { ForbiddenUrlError, type Guard, guardedRequest, parsePublicUrl } from "./guarded-request.ts";

const REDIRECTS = 3;
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/** Nothing of the client's request goes on to the other server. */
const HEADERS = {
  accept: "image/avif, image/webp, image/png, image/jpeg",
  "accept-encoding": "identity",
  "user-agent": "nst",
};

/**
 * Opens the picture at a client's URL; `signal` ends also the reading of it. The bytes are neither counted nor
 * checked yet. Throws a `Refusal` that names `field`: `url_refused` or `url_failed`.
 */
export async function fetchPicture(
  text: string,
  field: string,
  guard: Guard,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await follow(text, guard, signal);
  } catch (error) {
    throw asRefusal(error, field, signal);
  }
}

/** What `error` means to the client, also when it comes while the picture is being read. */
export function asRefusal(error: unknown, field: string, signal: AbortSignal): unknown {
  if (error instanceof Refusal) return error;
  if (error instanceof ForbiddenUrlError) {
    const expected = "an http or https URL, without credentials, at a public address";
    return Refusal.ofField("url_refused", field, expected, error.message);
  }
  if (error instanceof BadAnswerError) {
    return Refusal.ofField("url_failed", field, "a URL that answers with a picture", error.message);
  }
  if (signal.aborted) {
    return Refusal.ofField("url_failed", field, "a URL that answers in time", "one that takes too long");
  }
  if (BROKEN_OFF.test(codeOf(error))) {
    return Refusal.ofField(
      "url_failed",
      field,
      "a URL that answers with a picture",
      "one whose answer breaks off",
    );
  }
  return error;
}

const BROKEN_OFF = /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|HPE_.*)$/;

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

class BadAnswerError extends Error {
  override readonly name = "BadAnswerError";
}

async function follow(text: string, guard: Guard, signal: AbortSignal): Promise<Readable> {
  let url = parsePublicUrl(text);
  for (let redirects = 0; redirects <= REDIRECTS; redirects += 1) {
    const answer = await send(url, guard, signal);
    const status = answer.statusCode ?? 0;
    if (status === 200) return answer;
    answer.destroy();
    const { location } = answer.headers;
    if (!REDIRECT_STATUSES.includes(status) || !location) {
      throw new BadAnswerError(`one that answers with the status ${status}`);
    }
    url = parsePublicUrl(location, url);
  }
  throw new BadAnswerError(`one that redirects more than ${REDIRECTS} times`);
}

async function send(url: URL, guard: Guard, signal: AbortSignal): Promise<IncomingMessage> {
  return await guardedRequest(url, guard, { method: "GET", headers: HEADERS, signal }).catch((error) => {
    if (error instanceof ForbiddenUrlError || signal.aborted) throw error;
    throw new BadAnswerError("one that cannot be reached");
  });
}
