import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../src/logging.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import { PermanentJobError } from "./attempt-context.ts";

const PING_INTERVAL_MS = 1_000;

/** Retries operations on the blob store, and waits while it is unavailable: hours of work may depend on it. */
export class StoreRetry {
  constructor(
    private readonly store: BlobStore,
    /** Ends all waiting. */
    private readonly signal: AbortSignal,
    private readonly logger: Logger,
  ) {}

  async waitUntilWritable(): Promise<void> {
    for (let logged = false; ; logged = true) {
      const failure = await this.store.ping().then(
        () => null,
        (error: unknown) => ({ err: error }),
      );
      if (!failure) return;
      if (!logged) this.logger.warn(failure, "the blob store is not writable; waiting until it is");
      await sleep(PING_INTERVAL_MS, undefined, { signal: this.signal });
    }
  }

  /**
   * Runs an operation on the store, and retries it after each of these delays. A store that is not writable at all is
   * waited for without limit.
   */
  async retry<T>(delaysMs: readonly number[], operation: () => Promise<T>): Promise<T> {
    for (const delayMs of delaysMs) {
      try {
        return await operation();
      } catch (error) {
        if (error instanceof BlobNotFoundError || error instanceof PermanentJobError) throw error;
        this.logger.warn({ err: error }, `the blob store failed; retrying in ${delayMs / 1000} s`);
        await sleep(delayMs, undefined, { signal: this.signal });
        await this.waitUntilWritable();
      }
    }
    return await operation();
  }
}
