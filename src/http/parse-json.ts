import { ProblemError } from "../contract/problems.ts";

/** How deep lists and objects may be nested. Code that visits values recursively would exhaust the stack otherwise. */
export const MAX_JSON_DEPTH = 100;

/** Parses a client's JSON. Throws a `ProblemError` if it is nested too deeply, and otherwise a `SyntaxError`. */
export function parseJson(text: string): unknown {
  if (depth(text) > MAX_JSON_DEPTH) {
    const detail = `Expected JSON that is nested at most ${MAX_JSON_DEPTH} levels deep, received more`;
    throw new ProblemError("malformed_body", detail);
  }
  return JSON.parse(text.replace(/^\uFEFF/, ""), rejectPrototypes) as unknown;
}

/** A copy of an object with such a field would have another prototype. */
function rejectPrototypes(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new SyntaxError("a field may not have the name __proto__");
  return value;
}

/** The deepest nesting of lists and objects. */
function depth(text: string): number {
  let current = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (isInString) {
      if (character === "\\") at += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++current);
    else if (character === "]" || character === "}") current -= 1;
  }
  return deepest;
}
