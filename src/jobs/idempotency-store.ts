import { createHash, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { RedisKeys } from "../redis/keys.ts";
import { endRequest, rememberKey, renewLock } from "./idempotency-scripts.ts";

const KEEP_SECONDS = 24 * 3600;
/** How many keys of an owner are remembered; beyond, the oldest are forgotten. */
const MAXIMUM_KEYS = 10_000;
/** A process that does not renew its lock for so long has died, and the next request takes over. */
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

/** A key as a client sent it. Each owner has keys of their own. */
export interface IdempotencyKey {
  owner: string;
  key: string;
}

type IdempotencyDecision =
  /** Handle the request. */
  | { type: "proceed"; request: IdempotentRequest }
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
    private readonly lockMs = LOCK_MS,
    private readonly maximumKeys = MAXIMUM_KEYS,
  ) {}

  async begin(key: IdempotencyKey, fingerprint: string, job: string): Promise<IdempotencyDecision> {
    const { redis, lockMs } = this;
    const names = this.names(key);
    const first: Entry = { fingerprint, job, response: null };
    const text = await rememberKey.run(redis, [names.entry, names.owned], {
      ...{ entry: JSON.stringify(first), keep_seconds: KEEP_SECONDS, max_keys: this.maximumKeys },
    });
    const known = parseEntry(text);
    if (known.fingerprint !== fingerprint) return { type: "mismatch" };
    if (known.response !== null) return { type: "replay", response: known.response };
    const token = randomUUID();
    if (!(await redis.set(names.lock, token, "PX", lockMs, "NX"))) return { type: "in_flight" };
    const request = new IdempotentRequest(redis, names, token, lockMs, known);
    // The request that had the lock may have been answered, or have freed the key, just before.
    const found = await redis.get(names.entry);
    const entry = found === null ? null : parseEntry(found);
    const isSame = entry?.fingerprint === fingerprint;
    if (isSame && entry.response === null) return { type: "proceed", request };
    await request.fail();
    return isSame && entry.response !== null
      ? { type: "replay", response: entry.response }
      : { type: "in_flight" };
  }

  /** Whether a request with the key was answered, or is in progress. */
  async isKnown(key: IdempotencyKey): Promise<boolean> {
    return (await this.redis.exists(this.names(key).entry)) === 1;
  }

  private names({ owner, key }: IdempotencyKey): EntryNames {
    const entry = this.keys.idempotency(createHash("sha256").update(`${owner} ${key}`).digest("hex"));
    return { entry, lock: `${entry}:lock`, owned: this.keys.idempotencyKeys(owner) };
  }
}

/** The names of an entry, of its lock, and of the set of its owner's entries. */
interface EntryNames {
  entry: string;
  lock: string;
  owned: string;
}

/** A request that has its key's lock, and renews it until the request ends. */
export class IdempotentRequest {
  private readonly renewal: NodeJS.Timeout;

  constructor(
    private readonly redis: Redis,
    private readonly names: EntryNames,
    private readonly token: string,
    lockMs: number,
    private readonly entry: Entry,
  ) {
    const renew = () => void renewLock.run(redis, [names.lock], { token, lock_ms: lockMs }).catch(() => 0);
    this.renewal = setInterval(renew, lockMs / 3);
    this.renewal.unref();
  }

  /** The job's id. An earlier request may have chosen it, and failed before it submitted the job. */
  get job(): string {
    return this.entry.job;
  }

  /** Stores the response for later requests with the key. */
  async answer(response: string): Promise<void> {
    const entry = JSON.stringify({ ...this.entry, response });
    await this.end({ outcome: "answered", entry, keep_seconds: KEEP_SECONDS });
  }

  /** Frees the key: the request was rejected without an effect. */
  async reject(): Promise<void> {
    await this.end({ outcome: "rejected" });
  }

  /** Unlocks the key of a request with an unknown effect: the next one proceeds with the same job id. */
  async fail(): Promise<void> {
    await this.end({ outcome: "failed" });
  }

  private async end(outcome: Omit<Parameters<typeof endRequest.run>[2], "token">): Promise<void> {
    clearInterval(this.renewal);
    const { entry, lock, owned } = this.names;
    await endRequest.run(this.redis, [entry, lock, owned], { token: this.token, ...outcome });
  }
}

const parseEntry = (text: string) => entrySchema.parse(JSON.parse(text));
