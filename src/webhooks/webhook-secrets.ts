import type { Redis } from "ioredis";
import { z } from "zod";
import { rotateSecrets } from "../auth/secret-rotation.ts";
import type { WebhookSecret } from "../contract/webhook.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { updateJson } from "../redis/update-json.ts";
import { newWebhookSecret } from "./signature.ts";

/** After a rotation the old secret signs for this long, together with the new one. */
const OVERLAP_MS = 24 * 3600_000;

const storedSchema = z.array(
  z.object({ secret: z.string(), created_at: z.string(), expires_at: z.string().nullable() }),
);

/** Each owner's signing secrets: the current one, and for a day after a rotation the earlier ones. */
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

  /** Adds a new secret; earlier ones expire after at most a day. */
  async rotate(owner: string, now = new Date()): Promise<WebhookSecret[]> {
    await this.get(owner, now);
    const created = newSecret(now);
    const rotated = await updateJson(this.redis, this.keys.webhookSecrets(owner), storedSchema, (secrets) =>
      rotateSecrets(secrets, created, OVERLAP_MS, "expires_at", now.getTime()),
    );
    return rotated ?? [created];
  }
}

const parse = (text: string): WebhookSecret[] => storedSchema.parse(JSON.parse(text));

function newSecret(now: Date): WebhookSecret {
  return { secret: newWebhookSecret(), created_at: now.toISOString(), expires_at: null };
}

function unexpired(secrets: WebhookSecret[], now: Date): WebhookSecret[] {
  return secrets.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > now.getTime());
}
