import { createHmac, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { RedisKeys } from "../redis/keys.ts";
import { updateJson } from "../redis/update-json.ts";
import { newSecret } from "./api-key.ts";
import { rotateSecrets } from "./secret-rotation.ts";

const secretsSchema = z.array(z.object({ secret: z.string(), until: z.iso.datetime().nullable() })).min(1);
type Secrets = z.infer<typeof secretsSchema>;

/** The query parameters of a signed link, besides those of the resource. */
export interface LinkSignature {
  /** Unix seconds. */
  expires: number;
  signature: string;
}

/** The query parameters of the resource. */
type LinkQuery = Record<string, string>;

/**
 * Signs paths and their queries with HMAC-SHA-256: whoever has the link may GET that until it expires. The secret is created on first
 * use and shared through Redis.
 */
export class SignedLinks {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  /** The path and its query with their signature, valid until `expires` (Unix seconds). */
  async sign(path: string, expires: number, query: LinkQuery = {}): Promise<string> {
    const [{ secret } = { secret: "" }] = await this.secrets();
    const signature = hmac(secret, path, query, expires);
    return `${path}?${new URLSearchParams({ ...query, expires: String(expires), signature })}`;
  }

  /** @param query every parameter but the signature's */
  async verify(
    path: string,
    query: LinkQuery,
    { expires, signature }: LinkSignature,
    now = Date.now(),
  ): Promise<boolean> {
    if (expires * 1000 <= now) return false;
    const given = Buffer.from(signature);
    const valid = (await this.secrets()).filter(({ until }) => until === null || Date.parse(until) > now);
    return valid.some(({ secret }) => {
      const expected = Buffer.from(hmac(secret, path, query, expires));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  }

  /** Replaces the secret; links signed with earlier ones stay valid for up to `graceMs`. */
  async rotate(graceMs: number): Promise<void> {
    await this.secrets();
    const created: Secrets[number] = { secret: newSecret(), until: null };
    await updateJson(this.redis, this.keys.linkSecrets, secretsSchema, (secrets) =>
      rotateSecrets(secrets, created, graceMs, "until"),
    );
  }

  private async secrets(): Promise<Secrets> {
    const found = await this.redis.get(this.keys.linkSecrets);
    if (found !== null) return secretsSchema.parse(JSON.parse(found));
    const first: Secrets = [{ secret: newSecret(), until: null }];
    // Two processes may get here at once: both then use the secret of the first.
    await this.redis.set(this.keys.linkSecrets, JSON.stringify(first), "NX");
    return secretsSchema.parse(JSON.parse((await this.redis.get(this.keys.linkSecrets)) ?? "[]"));
  }
}

function hmac(secret: string, path: string, query: LinkQuery, expires: number): string {
  const sorted = new URLSearchParams(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHmac("sha256", secret).update(`${path}?${sorted}\n${expires}`).digest("base64url");
}
