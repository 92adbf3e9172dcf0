import { randomInt } from "node:crypto";
import { contradictions, type Surroundings } from "../../contract/option-rules.ts";
import type { Options, RequestOptions } from "../../contract/options.ts";
import { resolveOptions } from "../../contract/presets.ts";
import { ProblemError } from "../../contract/problems.ts";
import { fitsContent, type Size, smallestContentEdge } from "../../pictures/picture-size.ts";

/** The options that a job runs with. Throws a `ProblemError` that names each that does not fit. */
export function chooseOptions(
  requested: RequestOptions,
  content: Size,
  surroundings: Omit<Surroundings, "askedSize">,
): Options {
  const given: RequestOptions =
    surroundings.hasInitPicture && requested.init === undefined
      ? { ...requested, init: "picture" }
      : requested;
  const options = resolveOptions(given, randomInt(2 ** 32), Math.max(content.width, content.height));
  const askedSize = typeof requested.size === "string" ? requested.size : undefined;
  refuseContradictions(options, { ...surroundings, askedSize });
  checkShape(content, options.size);
  return options;
}

/** Throws a `ProblemError` that names each option that does not fit. */
export function refuseContradictions(options: Options, surroundings: Surroundings): void {
  const errors = contradictions(options, surroundings);
  if (errors.length > 0) throw ProblemError.forFields("invalid_options", errors);
}

function checkShape(content: Size, size: number): void {
  if (fitsContent(content, size)) return;
  const shape = `a picture of ${content.width} × ${content.height} px`;
  const expected = `at least ${smallestContentEdge(content)} for ${shape}`;
  throw ProblemError.forField("picture_too_narrow", "options.size", expected, String(size));
}
