import { createHash, randomBytes, randomInt } from "node:crypto";
import { z } from "zod";

const sheetSchema = z.object({
  pair: z.string(),
  /** The method behind each letter. */
  methods: z.record(z.string(), z.string()),
});
/** Which pair is on each sheet, and which method is behind each of its letters. */
export const keySchema = z.object({
  /** Keeps the hash from being guessed: there are few orders. */
  salt: z.string(),
  sheets: z.record(z.string(), sheetSchema),
});
export type Key = z.infer<typeof keySchema>;

/**
 * Numbers the sheets in random order, and shuffles the methods anew for each.
 *
 * @param isPairwise a sheet shows the first method and one of the others, and there is one for each of these; otherwise a
 *   sheet shows all methods
 */
export function shuffleSheets(
  pairs: readonly string[],
  methods: readonly string[],
  isPairwise: boolean,
): Key {
  const [first = "", ...others] = methods;
  const groups = isPairwise ? others.map((other) => [first, other]) : [methods];
  const sheets = shuffled(
    pairs.flatMap((pair) => groups.map((group) => ({ pair, methods: byLetter(shuffled(group)) }))),
  );
  return {
    salt: randomBytes(16).toString("hex"),
    sheets: Object.fromEntries(sheets.map((sheet, index) => [String(index + 1).padStart(2, "0"), sheet])),
  };
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(randomInt(rest.length), 1));
}

const byLetter = (order: readonly string[]) =>
  Object.fromEntries(order.map((method, index) => [String.fromCharCode(65 + index), method]));

/** The SHA-256 of a key's file, which is published before anyone chooses. */
export const hashKey = (text: string) => createHash("sha256").update(text).digest("hex");
