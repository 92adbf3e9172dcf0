import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ownerSchema, scopeSchema } from "../contract/auth.ts";

const timestamp = z.iso.datetime();

/** A key as it is stored: secrets only as digests. */
export const apiKeySchema = z.object({
  /** The public part of the key, for lists and logs. */
  id: z.string(),
  owner: ownerSchema,
  /** A description of what the key is for. */
  name: z.string(),
  scopes: z.array(scopeSchema),
  /** Newest first; after a rotation the previous one stays valid for a while. */
  secrets: z.array(z.object({ digest: z.string(), until: timestamp.nullable() })).min(1),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

const SECRET_BYTES = 32;
const KEY_PATTERN = /^nst_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export const newKeyId = () => randomBytes(6).toString("hex");
export const newSecret = () => randomBytes(SECRET_BYTES).toString("base64url");

/** The key's text. The prefix lets secret scanners find a key that was published. */
export const keyText = (id: string, secret: string) => `nst_${id}_${secret}`;

/** The parts of a key's text, or null if it is malformed. */
export function parseKey(text: string): { id: string; secret: string } | null {
  const [, id, secret] = KEY_PATTERN.exec(text) ?? [];
  return id && secret ? { id, secret } : null;
}

/** Plain SHA-256 is enough: a secret is 256 random bits. Slow, salted hashes are for passwords that people choose. */
export const digest = (secret: string) => createHash("sha256").update(secret).digest("hex");

type KeyState = "active" | "expired" | "revoked";

export function keyState(key: ApiKey, now = Date.now()): KeyState {
  if (key.revoked_at !== null) return "revoked";
  return key.expires_at !== null && Date.parse(key.expires_at) <= now ? "expired" : "active";
}

/** Whether `secret` is valid for the key now, compared in constant time. */
export function hasSecret(key: ApiKey, secret: string, now = Date.now()): boolean {
  const given = Buffer.from(digest(secret), "hex");
  let found = false;
  for (const { digest: stored, until } of key.secrets) {
    const isEqual = timingSafeEqual(Buffer.from(stored, "hex"), given);
    if (isEqual && (until === null || Date.parse(until) > now)) found = true;
  }
  return found;
}
