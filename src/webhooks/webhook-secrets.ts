import type { Redis } from "ioredis";
import { z } from "zod";
import type { WebhookSecret } from "../contract/webhook.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { newWebhookSecret } from "./signature.ts";

/** After a rotation the old secret signs for this long, together with the new one. */
const OVERLAP_MS = 24 * 3600_000;

const storedSchema = z.array(
  z.object({ secret: z.string(), created_at: z.string(), expires_at: z.string().nullable() }),
);

/** Each owner's signing secrets: the current one, and for a day after a rotation the previous one. */
export class WebhookSecrets {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  /** The secrets that are in use, newest first. Creates the first one on demand. */
  async get(owner: string, now = new Date()): Promise<WebhookSecret[]> {
    const name = this.keys.webhookSecrets(owner);
    const found = await this.redis.get(name);
    if (found !== null) return unexpired(parse(found), now);
    await this.redis.set(name, JSON.stringify([newSecret(now)]), "NX");
    return unexpired(parse((await this.redis.get(name)) ?? "[]"), now);
  }

  /** Adds a new secret; the previous one expires after a day. */
  async rotate(owner: string, now = new Date()): Promise<WebhookSecret[]> {
    const [newest] = await this.get(owner, now);
    const expires_at = new Date(now.getTime() + OVERLAP_MS).toISOString();
    const secrets = [newSecret(now), ...(newest ? [{ ...newest, expires_at }] : [])];
    await this.redis.set(this.keys.webhookSecrets(owner), JSON.stringify(secrets));
    return secrets;
  }
}

const parse = (text: string): WebhookSecret[] => storedSchema.parse(JSON.parse(text));

function newSecret(now: Date): WebhookSecret {
  return { secret: newWebhookSecret(), created_at: now.toISOString(), expires_at: null };
}

function unexpired(secrets: WebhookSecret[], now: Date): WebhookSecret[] {
  return secrets.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > now.getTime());
}
