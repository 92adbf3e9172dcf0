import { sendRequest } from "../net/send-request.ts";
import { parseHttpUrl, UrlNotAllowedError, type UrlPolicy } from "../net/url-policy.ts";

const TIMEOUT_MS = 15_000;

/** The outcome of one POST. */
export interface PostOutcome {
  /** The receiver's response; null if there was none. */
  status: number | null;
  duration_ms: number;
  /** Why the message does not count as delivered; null if it does. */
  error: string | null;
  /** Seconds of the receiver's `Retry-After`. */
  retryAfter: number | null;
}

/** The seconds of a `Retry-After`, which may also be a date (RFC 9110, section 10.2.3). */
export function retryAfterSeconds(header = "", now = Date.now()): number | null {
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}

/** POSTs JSON to a client's URL without following redirects. Never rejects. */
export async function postJson(
  url: string,
  policy: UrlPolicy,
  headers: Record<string, string>,
  body: string,
): Promise<PostOutcome> {
  const started = performance.now();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const outcome = (found: Partial<PostOutcome>): PostOutcome => ({
    ...{ status: null, error: null, retryAfter: null },
    duration_ms: Math.round(performance.now() - started),
    ...found,
  });
  try {
    const allHeaders = {
      ...{ "content-type": "application/json" },
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    };
    const options = { method: "POST", headers: allHeaders, signal };
    const response = await sendRequest(parseHttpUrl(url), policy, options, body);
    // The response's body is of no use.
    response.on("error", () => undefined).destroy();
    const status = response.statusCode ?? 0;
    const seconds = retryAfterSeconds(response.headers["retry-after"]);
    return outcome({
      status,
      error: status >= 200 && status < 300 ? null : `Expected a status from 200 to 299, received ${status}`,
      retryAfter: seconds !== null && seconds > 0 ? seconds : null,
    });
  } catch (error) {
    if (error instanceof UrlNotAllowedError)
      return outcome({ error: `Expected a public URL, received ${error.message}` });
    if (signal.aborted)
      return outcome({ error: `The receiver did not respond within ${TIMEOUT_MS / 1000} s` });
    return outcome({ error: "The URL could not be reached" });
  }
}
