import { createHmac, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { available } from "../queue/available.ts";
import type { QueueKeys } from "../queue/keys.ts";
import { newSecret } from "./api-key.ts";

const secretsSchema = z.array(z.object({ secret: z.string(), until: z.iso.datetime().nullable() })).min(1);
type Secrets = z.infer<typeof secretsSchema>;

/** What makes a path a signed one: Unix seconds, and the signature over both. */
export interface LinkSignature {
  expires: number;
  signature: string;
}

/**
 * Signs paths, so that whoever holds the link may GET that one path until its time is over (HMAC with SHA-256). The
 * secret is made at its first use and kept in Redis, where every process finds it. Every method rejects with
 * `QueueUnavailableError` while Redis cannot be reached.
 */
export class SignedLinks {
  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
  ) {}

  /** The path with its signature, good until `expires` (Unix seconds). */
  async sign(path: string, expires: number): Promise<string> {
    const [{ secret } = { secret: "" }] = await this.secrets();
    return `${path}?${new URLSearchParams({ expires: String(expires), signature: signatureOf(secret, path, expires) })}`;
  }

  async isGood(path: string, { expires, signature }: LinkSignature, now = Date.now()): Promise<boolean> {
    if (expires * 1000 <= now) return false;
    const given = Buffer.from(signature);
    const good = (await this.secrets()).filter(({ until }) => until === null || Date.parse(until) > now);
    return good.some(({ secret }) => {
      const right = Buffer.from(signatureOf(secret, path, expires));
      return right.length === given.length && timingSafeEqual(right, given);
    });
  }

  /** Takes another secret; links signed with the one before are good for `graceMs` more. */
  async rotate(graceMs: number): Promise<void> {
    const [current] = await this.secrets();
    const until = new Date(Date.now() + graceMs).toISOString();
    const older = current && graceMs > 0 ? [{ secret: current.secret, until }] : [];
    const secrets: Secrets = [{ secret: newSecret(), until: null }, ...older];
    await available(() => this.redis.set(this.keys.linkSecrets, JSON.stringify(secrets)));
  }

  private async secrets(): Promise<Secrets> {
    return await available(async () => {
      const found = await this.redis.get(this.keys.linkSecrets);
      if (found !== null) return secretsSchema.parse(JSON.parse(found));
      const first: Secrets = [{ secret: newSecret(), until: null }];
      // Of two processes that come here at once, one is first and the other takes what that one made.
      await this.redis.set(this.keys.linkSecrets, JSON.stringify(first), "NX");
      return secretsSchema.parse(JSON.parse((await this.redis.get(this.keys.linkSecrets)) ?? "[]"));
    });
  }
}

function signatureOf(secret: string, path: string, expires: number): string {
  return createHmac("sha256", secret).update(`${path}\n${expires}`).digest("base64url");
}
