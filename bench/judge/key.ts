import { createHash, randomBytes, randomInt } from "node:crypto";
import { z } from "zod";

/** Which method is behind each letter of each sheet. */
export const keySchema = z.object({
  /** Keeps the hash from being guessed: there are few orders. */
  salt: z.string(),
  pairs: z.record(z.string(), z.record(z.string(), z.string())),
});
export type Key = z.infer<typeof keySchema>;

/** Shuffles the methods anew for each pair. */
export function shuffleMethods(pairs: readonly string[], methods: readonly string[]): Key {
  const shuffled = () => {
    const rest = [...methods];
    return methods.map(() => rest.splice(randomInt(rest.length), 1)[0] ?? "");
  };
  const letters = (order: readonly string[]) =>
    Object.fromEntries(order.map((method, index) => [String.fromCharCode(65 + index), method]));
  return {
    salt: randomBytes(16).toString("hex"),
    pairs: Object.fromEntries(pairs.map((pair) => [pair, letters(shuffled())])),
  };
}

/** The SHA-256 of a key's file, which is published before anyone chooses. */
export const hashKey = (text: string) => createHash("sha256").update(text).digest("hex");
