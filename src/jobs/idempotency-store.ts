import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { RedisKeys } from "../redis/keys.ts";

const KEEP_SECONDS = 24 * 3600;
/** A request that takes longer loses the key to the next one. */
const LOCK_MS = 60_000;

const entrySchema = z.object({
  /** A digest of the request. */
  fingerprint: z.string(),
  /** The id of the job that belongs to the key. */
  job: z.string(),
  /** null while no request with the key has been answered. */
  response: z.string().nullable(),
});
type Entry = z.infer<typeof entrySchema>;

type IdempotencyDecision =
  /** Handle the request, and use this job id. An earlier request may have chosen it, and failed before it submitted the job. */
  | { type: "proceed"; job: string }
  /** The request was answered before, with this response. */
  | { type: "replay"; response: string }
  /** Another request with the key is in progress. */
  | { type: "in_flight" }
  /** The key was used for a different request. */
  | { type: "mismatch" };

/**
 * Responses by idempotency key (draft-ietf-httpapi-idempotency-key-header-07), for 24 hours.
 *
 * A job's id is stored before the job is submitted, and submitting an id twice changes nothing. So if a process dies in
 * between, the repeated request leads to the same job.
 */
export class IdempotencyStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  async begin(key: string, fingerprint: string, job: string): Promise<IdempotencyDecision> {
    const name = this.name(key);
    const fresh: Entry = { fingerprint, job, response: null };
    await this.redis.set(name, JSON.stringify(fresh), "EX", KEEP_SECONDS, "NX");
    const known = await this.read(name);
    if (known && known.fingerprint !== fingerprint) return { type: "mismatch" };
    if (known?.response != null) return { type: "replay", response: known.response };
    if (!(await this.redis.set(lockName(name), "1", "PX", LOCK_MS, "NX"))) return { type: "in_flight" };
    // The request that had the lock may have finished, or freed the key, just before.
    const entry = await this.read(name);
    const isSame = entry?.fingerprint === fingerprint;
    if (isSame && entry.response === null) return { type: "proceed", job: entry.job };
    await this.redis.del(lockName(name));
    return isSame && entry.response !== null
      ? { type: "replay", response: entry.response }
      : { type: "in_flight" };
  }

  /** Whether a request with the key was answered, or is in progress. */
  async isKnown(key: string): Promise<boolean> {
    return (await this.redis.exists(this.name(key))) === 1;
  }

  /** Stores the response for later requests with the key. */
  async finish(key: string, fingerprint: string, job: string, response: string): Promise<void> {
    const name = this.name(key);
    const entry: Entry = { fingerprint, job, response };
    await this.redis.set(name, JSON.stringify(entry), "EX", KEEP_SECONDS);
    await this.redis.del(lockName(name));
  }

  /**
   * Frees the key of a request that was rejected without an effect. The key stays if another request, which took over after
   * the lock had expired, has been answered meanwhile.
   */
  async abandon(key: string): Promise<void> {
    const name = this.name(key);
    const entry = await this.read(name);
    if (entry?.response == null) await this.redis.del(name);
    await this.redis.del(lockName(name));
  }

  /** Unlocks the key of a request that failed with an unknown effect: the next one proceeds with the same job id. */
  async release(key: string): Promise<void> {
    await this.redis.del(lockName(this.name(key)));
  }

  private name(key: string): string {
    return this.keys.idempotency(createHash("sha256").update(key).digest("hex"));
  }

  private async read(name: string): Promise<Entry | null> {
    const text = await this.redis.get(name);
    return text === null ? null : entrySchema.parse(JSON.parse(text));
  }
}

const lockName = (name: string) => `${name}:lock`;
