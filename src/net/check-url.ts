import { Refusal } from "../contract/problems.ts";
import { allowedUrl, ForbiddenUrlError, type Guard } from "./guarded-request.ts";

/**
 * Refuses a URL that will never be sent to, as far as its text tells; names are looked up only when it is used.
 * Throws a `Refusal` that names `field`: `url_refused`.
 */
export function checkUrl(text: string, field: string, guard: Guard): void {
  try {
    allowedUrl(text, guard);
  } catch (error) {
    if (!(error instanceof ForbiddenUrlError)) throw error;
    const expected = "an http or https URL, without credentials, at a public address";
    throw Refusal.ofField("url_refused", field, expected, error.message);
  }
}
