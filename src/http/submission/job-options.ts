import { randomInt } from "node:crypto";
import { type ValidationContext, validateOptions } from "../../contract/option-rules.ts";
import type { Options, RequestOptions } from "../../contract/options.ts";
import { resolveOptions } from "../../contract/presets.ts";
import { ProblemError } from "../../contract/problems.ts";
import { fitsContent, type Size, smallestContentEdge } from "../../pictures/picture-size.ts";

/** The options that a new job runs with. Throws a `ProblemError` that names each invalid option. */
export function resolveJobOptions(
  requested: RequestOptions,
  content: Size,
  context: Omit<ValidationContext, "requestedSize">,
): Options {
  const init = requested.init ?? (context.hasInitPicture ? "picture" : undefined);
  const contentEdge = Math.max(content.width, content.height);
  const options = resolveOptions({ ...requested, init }, randomInt(2 ** 32), contentEdge);
  checkOptions(options, { ...context, requestedSize: requested.size });
  if (!fitsContent(content, options.size)) {
    const expected = `at least ${smallestContentEdge(content)} for a content of ${content.width} × ${content.height} px`;
    throw ProblemError.forField("picture_too_narrow", "options.size", expected, String(options.size));
  }
  return options;
}

/** Throws a `ProblemError` that names each invalid option. */
export function checkOptions(options: Options, context: ValidationContext): void {
  const errors = validateOptions(options, context);
  if (errors.length > 0) throw ProblemError.forFields("invalid_options", errors);
}
