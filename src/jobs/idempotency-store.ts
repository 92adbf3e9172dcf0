import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { RedisKeys } from "../redis/keys.ts";

/** How long an answer is kept, and how long a request may take before another of the same key goes on with it. */
const KEPT_SECONDS = 24 * 3600;
const LOCK_MS = 60_000;

const entrySchema = z.object({
  /** Digest of what was asked for. */
  fingerprint: z.string(),
  /** Id of the job that the key stands for. */
  job: z.string(),
  answer: z.string().nullable(),
});
type Entry = z.infer<typeof entrySchema>;

export type Admission =
  /** Do it, with this job id: one that an earlier request chose, but may not have come to submit. */
  | { type: "proceed"; job: string }
  /** It was done: this was the answer. */
  | { type: "replay"; answer: string }
  /** Another request with this key is under way. */
  | { type: "in_flight" }
  /** The key was used for something else. */
  | { type: "mismatch" };

/**
 * Answers by idempotency key (draft-ietf-httpapi-idempotency-key-header-07), for 24 hours.
 *
 * The job's id is chosen and kept before the job is submitted, and submitting an id again changes nothing: where
 * a process dies in between, the same request made again gives that one job.
 */
export class IdempotencyStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  async begin(key: string, fingerprint: string, job: string): Promise<Admission> {
    const name = this.name(key);
    const fresh: Entry = { fingerprint, job, answer: null };
    await this.redis.set(name, JSON.stringify(fresh), "EX", KEPT_SECONDS, "NX");
    const seen = await this.read(name);
    if (seen && seen.fingerprint !== fingerprint) return { type: "mismatch" };
    if (seen?.answer != null) return { type: "replay", answer: seen.answer };
    if (!(await this.redis.set(lockOf(name), "1", "PX", LOCK_MS, "NX"))) return { type: "in_flight" };
    // Whoever held the lock may have finished, or given up, just before it was free.
    const entry = await this.read(name);
    if (entry?.answer == null && entry?.fingerprint === fingerprint)
      return { type: "proceed", job: entry.job };
    await this.redis.del(lockOf(name));
    return entry?.answer != null && entry.fingerprint === fingerprint
      ? { type: "replay", answer: entry.answer }
      : { type: "in_flight" };
  }

  /** Whether something was, or is being, answered to the key. */
  async isKnown(key: string): Promise<boolean> {
    return (await this.redis.exists(this.name(key))) === 1;
  }

  async finish(key: string, fingerprint: string, job: string, answer: string): Promise<void> {
    const name = this.name(key);
    const entry: Entry = { fingerprint, job, answer };
    await this.redis.set(name, JSON.stringify(entry), "EX", KEPT_SECONDS);
    await this.redis.del(lockOf(name));
  }

  /**
   * The request was refused and nothing was done: the key is free again, unless another request of the same key, which
   * had waited for too long, has been answered meanwhile.
   */
  async abandon(key: string): Promise<void> {
    const name = this.name(key);
    const entry = await this.read(name);
    if (entry?.answer == null) await this.redis.del(name);
    await this.redis.del(lockOf(name));
  }

  /** Something broke, and what was done is not known: the next request of this key goes on with the same job id. */
  async release(key: string): Promise<void> {
    await this.redis.del(lockOf(this.name(key)));
  }

  private name(key: string): string {
    return this.keys.idempotency(createHash("sha256").update(key).digest("hex"));
  }

  private async read(name: string): Promise<Entry | null> {
    const text = await this.redis.get(name);
    return text === null ? null : entrySchema.parse(JSON.parse(text));
  }
}

const lockOf = (name: string) => `${name}:lock`;
