import type { Redis } from "ioredis";
import type { Scope } from "../contract/access.ts";
import { available } from "../queue/available.ts";
import type { QueueKeys } from "../queue/keys.ts";
import {
  type ApiKey,
  apiKeySchema,
  digestOf,
  isSecretOf,
  keyState,
  keyText,
  newKeyId,
  newSecret,
  parseKey,
} from "./api-key.ts";

export interface NewKey {
  owner: string;
  name: string;
  scopes: readonly Scope[];
  /** Milliseconds until it expires; null: never. */
  lifetimeMs: number | null;
}

/** A key and its text, which is shown this once and kept nowhere. */
export interface IssuedKey {
  key: ApiKey;
  text: string;
}

/**
 * The API's keys, in Redis: a change is seen by every process at the next request. Every method rejects with
 * `QueueUnavailableError` while Redis cannot be reached.
 */
export class ApiKeyStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
  ) {}

  async create({ owner, name, scopes, lifetimeMs }: NewKey): Promise<IssuedKey> {
    const now = Date.now();
    const secret = newSecret();
    const key: ApiKey = {
      id: newKeyId(),
      owner,
      name,
      scopes: [...scopes],
      secrets: [{ digest: digestOf(secret), until: null }],
      created_at: new Date(now).toISOString(),
      expires_at: lifetimeMs === null ? null : new Date(now + lifetimeMs).toISOString(),
      revoked_at: null,
    };
    await this.write(key);
    return { key, text: keyText(key.id, secret) };
  }

  async find(id: string): Promise<ApiKey | null> {
    const text = await available(() => this.redis.get(this.keys.apiKey(id)));
    return text === null ? null : apiKeySchema.parse(JSON.parse(text));
  }

  /** Every key that there is or was, the oldest first. */
  async list(): Promise<ApiKey[]> {
    const ids = await available(() => this.redis.smembers(this.keys.apiKeys));
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found
      .filter((key) => key !== null)
      .sort((one, other) => one.created_at.localeCompare(other.created_at));
  }

  /** Gives a key another secret; the one before is good for `graceMs` more. Null where there is no active one. */
  async rotate(id: string, graceMs: number): Promise<IssuedKey | null> {
    const before = await this.find(id);
    if (!before || keyState(before) !== "active") return null;
    const [current] = before.secrets;
    const secret = newSecret();
    const until = new Date(Date.now() + graceMs).toISOString();
    const older = current && graceMs > 0 ? [{ digest: current.digest, until }] : [];
    const key = { ...before, secrets: [{ digest: digestOf(secret), until: null }, ...older] };
    await this.write(key);
    return { key, text: keyText(id, secret) };
  }

  /** Ends a key at once. Null where there is none. */
  async revoke(id: string): Promise<ApiKey | null> {
    const before = await this.find(id);
    if (!before) return null;
    const key = { ...before, revoked_at: before.revoked_at ?? new Date().toISOString() };
    await this.write(key);
    return key;
  }

  /** The key whose text this is, if it is good now. */
  async authenticate(text: string): Promise<ApiKey | null> {
    const parts = parseKey(text);
    const key = parts && (await this.find(parts.id));
    return key && keyState(key) === "active" && isSecretOf(key, parts.secret) ? key : null;
  }

  private async write(key: ApiKey): Promise<void> {
    await available(() =>
      this.redis
        .multi()
        .set(this.keys.apiKey(key.id), JSON.stringify(key))
        .sadd(this.keys.apiKeys, key.id)
        .exec(),
    );
  }
}
