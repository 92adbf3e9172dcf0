import { ForbiddenUrlError, type Guard, guardedRequest, parsePublicUrl } from "../net/guarded-request.ts";

/** A receiver that has not answered by then is tried again later. */
const PATIENCE_MS = 15_000;

/** What came of one POST. */
export interface PostOutcome {
  /** What the receiver answered; null where it did not. */
  status: number | null;
  duration_ms: number;
  /** Why it does not count as delivered; null: it does. */
  error: string | null;
  /** Seconds that the receiver asks to be left alone. */
  retryAfter: number | null;
}

/** POSTs JSON to a stranger's URL, redirects unfollowed. Never rejects. */
export async function postJson(
  url: string,
  guard: Guard,
  headers: Record<string, string>,
  body: string,
): Promise<PostOutcome> {
  const started = performance.now();
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const ended = (outcome: Partial<PostOutcome>): PostOutcome => ({
    ...{ status: null, error: null, retryAfter: null },
    duration_ms: Math.round(performance.now() - started),
    ...outcome,
  });
  try {
    const all = {
      ...{ "content-type": "application/json", "user-agent": "nst" },
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    };
    const options = { method: "POST", headers: all, signal };
    const answer = await guardedRequest(parsePublicUrl(url), guard, options, body);
    // What it says does not matter.
    answer.on("error", () => undefined).destroy();
    const status = answer.statusCode ?? 0;
    const good = status >= 200 && status < 300;
    const seconds = Number(answer.headers["retry-after"]);
    return ended({
      status,
      error: good ? null : `Expected a status of 200 to 299, received ${status}`,
      retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : null,
    });
  } catch (error) {
    if (error instanceof ForbiddenUrlError) return ended({ error: `The URL is ${error.message}` });
    if (signal.aborted) return ended({ error: `No answer came within ${PATIENCE_MS / 1000} s` });
    return ended({ error: "The URL cannot be reached" });
  }
}
