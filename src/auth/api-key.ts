import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ownerSchema, scopeSchema } from "../contract/access.ts";

const timestamp = z.iso.datetime();

/** A key as it is kept: its secret only as a digest. */
export const apiKeySchema = z.object({
  /** The part of the key that is no secret: it stands in lists and logs. */
  id: z.string(),
  owner: ownerSchema,
  /** What the key is for, in words. */
  name: z.string(),
  scopes: z.array(scopeSchema),
  /** The newest first; an older one may still be good for a while after a rotation. */
  secrets: z.array(z.object({ digest: z.string(), until: timestamp.nullable() })).min(1),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

const SECRET_BYTES = 32;
const FORM = /^nst_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export const newKeyId = () => randomBytes(6).toString("hex");
export const newSecret = () => randomBytes(SECRET_BYTES).toString("base64url");

/** The key as its owner holds it. The prefix lets scanners of source code find one that was published. */
export const keyText = (id: string, secret: string) => `nst_${id}_${secret}`;

/** The parts of a key, or null where the text has not its form. */
export function parseKey(text: string): { id: string; secret: string } | null {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id && secret ? { id, secret } : null;
}

/**
 * SHA-256, once: a secret is 256 random bits, so that nobody finds it by trying, however fast the hash is. Slow,
 * salted hashes are for passwords, which people choose from far fewer.
 */
export const digestOf = (secret: string) => createHash("sha256").update(secret).digest("hex");

export type KeyState = "active" | "expired" | "revoked";

export function keyState(key: ApiKey, now = Date.now()): KeyState {
  if (key.revoked_at !== null) return "revoked";
  return key.expires_at !== null && Date.parse(key.expires_at) <= now ? "expired" : "active";
}

/** Whether `secret` is the key's at this time. Takes as long for a wrong one as for the right one. */
export function isSecretOf(key: ApiKey, secret: string, now = Date.now()): boolean {
  const given = Buffer.from(digestOf(secret), "hex");
  let found = false;
  for (const { digest, until } of key.secrets) {
    const equal = timingSafeEqual(Buffer.from(digest, "hex"), given);
    if (equal && (until === null || Date.parse(until) > now)) found = true;
  }
  return found;
}
