import type { Redis } from "ioredis";
import { z } from "zod";
import type { WebhookSecret } from "../contract/webhook.ts";
import { available } from "../queue/available.ts";
import type { QueueKeys } from "../queue/keys.ts";
import { newWebhookSecret } from "./signature.ts";

/** How long the secret before still signs beside the new one. */
const OVERLAP_MS = 24 * 3600_000;

const storedSchema = z.array(
  z.object({ secret: z.string(), created_at: z.string(), expires_at: z.string().nullable() }),
);

/** What each owner's webhooks are signed with: one secret, and for a day the one that it took the place of. */
export class WebhookSecrets {
  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
  ) {}

  /** The secrets that sign now, the newest first. The first one is made when it is first asked for. */
  async of(owner: string, now = new Date()): Promise<WebhookSecret[]> {
    return await available(async () => {
      const name = this.keys.webhookSecrets(owner);
      const found = await this.redis.get(name);
      if (found !== null) return living(parse(found), now);
      await this.redis.set(name, JSON.stringify([fresh(now)]), "NX");
      return living(parse((await this.redis.get(name)) ?? "[]"), now);
    });
  }

  /** Puts a new secret in the place of the newest one, which still signs for a day. */
  async rotate(owner: string, now = new Date()): Promise<WebhookSecret[]> {
    const [newest] = await this.of(owner, now);
    const expires_at = new Date(now.getTime() + OVERLAP_MS).toISOString();
    const secrets = [fresh(now), ...(newest ? [{ ...newest, expires_at }] : [])];
    await available(() => this.redis.set(this.keys.webhookSecrets(owner), JSON.stringify(secrets)));
    return secrets;
  }
}

const parse = (text: string): WebhookSecret[] => storedSchema.parse(JSON.parse(text));

function fresh(now: Date): WebhookSecret {
  return { secret: newWebhookSecret(), created_at: now.toISOString(), expires_at: null };
}

function living(secrets: WebhookSecret[], now: Date): WebhookSecret[] {
  return secrets.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > now.getTime());
}
