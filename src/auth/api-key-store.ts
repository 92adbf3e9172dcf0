import type { Redis } from "ioredis";
import type { Scope } from "../contract/auth.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { updateJson } from "../redis/update-json.ts";
import {
  type ApiKey,
  apiKeySchema,
  digest,
  hasSecret,
  keyState,
  keyText,
  newKeyId,
  newSecret,
  parseKey,
} from "./api-key.ts";
import { rotateSecrets } from "./secret-rotation.ts";

interface NewKey {
  owner: string;
  name: string;
  scopes: readonly Scope[];
  /** Milliseconds until it expires; null: never. */
  lifetimeMs: number | null;
}

/** A key and its text. The text is shown once and not stored. */
export interface IssuedKey {
  key: ApiKey;
  text: string;
}

/**
 * The API keys in Redis. Every process sees a change at its next request.
 */
export class ApiKeyStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  async create({ owner, name, scopes, lifetimeMs }: NewKey): Promise<IssuedKey> {
    const now = Date.now();
    const secret = newSecret();
    const key: ApiKey = {
      id: newKeyId(),
      owner,
      name,
      scopes: [...scopes],
      secrets: [{ digest: digest(secret), until: null }],
      created_at: new Date(now).toISOString(),
      expires_at: lifetimeMs === null ? null : new Date(now + lifetimeMs).toISOString(),
      revoked_at: null,
    };
    await this.write(key);
    return { key, text: keyText(key.id, secret) };
  }

  async find(id: string): Promise<ApiKey | null> {
    const text = await this.redis.get(this.keys.apiKey(id));
    return text === null ? null : apiKeySchema.parse(JSON.parse(text));
  }

  /** All keys, oldest first; expired and revoked ones too. */
  async list(): Promise<ApiKey[]> {
    const ids = await this.redis.smembers(this.keys.apiKeys);
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found
      .filter((key) => key !== null)
      .sort((one, other) => one.created_at.localeCompare(other.created_at));
  }

  /** Replaces a key's secret; earlier ones stay valid for at most `graceMs`. Null if there is no such active key. */
  async rotate(id: string, graceMs: number): Promise<IssuedKey | null> {
    const secret = newSecret();
    const created: ApiKey["secrets"][number] = { digest: digest(secret), until: null };
    const key = await this.update(id, (existing) => {
      if (keyState(existing) !== "active") return null;
      return { ...existing, secrets: rotateSecrets(existing.secrets, created, graceMs, "until") };
    });
    return key && { key, text: keyText(id, secret) };
  }

  /** Revokes a key at once. Null if there is no such key. */
  async revoke(id: string): Promise<ApiKey | null> {
    const revoked_at = new Date().toISOString();
    return await this.update(id, (key) => ({ ...key, revoked_at: key.revoked_at ?? revoked_at }));
  }

  /** The key with this text, if it is valid now. */
  async authenticate(text: string): Promise<ApiKey | null> {
    const parts = parseKey(text);
    const key = parts && (await this.find(parts.id));
    return key && keyState(key) === "active" && hasSecret(key, parts.secret) ? key : null;
  }

  private update(id: string, update: (key: ApiKey) => ApiKey | null): Promise<ApiKey | null> {
    return updateJson(this.redis, this.keys.apiKey(id), apiKeySchema, update);
  }

  private async write(key: ApiKey): Promise<void> {
    await this.redis
      .multi()
      .set(this.keys.apiKey(key.id), JSON.stringify(key))
      .sadd(this.keys.apiKeys, key.id)
      .exec();
  }
}
