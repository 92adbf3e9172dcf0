import type { z } from "zod";
import { type FieldError, MAX_ERRORS } from "./problems.ts";

type Issue = z.core.$ZodIssue;

/**
 * Describes the errors of a schema field by field: the first of them, and one more than a problem lists if there are more.
 *
 * @param input what was parsed
 * @param root the path of `input` in the request
 */
export function fieldErrors(error: z.core.$ZodError, input: unknown, root: string): FieldError[] {
  const issues = error.issues.slice(0, MAX_ERRORS + 1);
  const errors = issues.flatMap((issue) => describe(issue, input, root)).slice(0, MAX_ERRORS + 1);
  // An error of an object is redundant if there is one of its fields.
  return errors.filter(({ path }) => !errors.some((other) => other.path.startsWith(`${path}.`)));
}

function describe(issue: Issue, input: unknown, root: string): FieldError[] {
  const path = joinPath(root, issue.path);
  const value = valueAt(input, issue.path);
  const received = show(value);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MAX_ERRORS + 1).map((key) => ({
      path: joinPath(path, [key]),
      expected: "a known field",
      received: "an unknown field",
    }));
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues.map(expectation).join(", ");
    return [{ path, expected: `a name with ${expected}`, received: show(issue.path.at(-1)) }];
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const expected = issue.errors.map((issues) =>
      [...new Set(issues.slice(0, MAX_ERRORS).map(expectation))].join(" and "),
    );
    return [{ path, expected: withoutQuotes([...new Set(expected)].join(", or "), value), received }];
  }
  return [{ path, expected: withoutQuotes(expectation(issue), value), received }];
}

/** Says what is wrong with `"96"` where 96 is expected. */
function withoutQuotes(expected: string, value: unknown): string {
  const isQuoted = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  return isQuoted && /\ban? (number|integer)\b/.test(expected) ? `${expected} (without quotes)` : expected;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return EXPECTED_TYPES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.join(", ")}`;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_format":
      return issue.format === "regex" ? issue.message.replace(/^expected /, "") : `a ${issue.format}`;
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `no field ${show(issue.keys[0])}${issue.keys.length > 1 ? " or others" : ""}`;
    default:
      return issue.message.replace(/^expected /, "");
  }
}

const EXPECTED_TYPES: Record<string, string> = {
  int: "an integer",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" || origin === "set" ? " entries" : "";
}

function joinPath(root: string, path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return `${root}${parts.join("")}`.replace(/^\./, "").slice(0, 200) || "body";
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}

const MAX_LENGTH = 80;

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
