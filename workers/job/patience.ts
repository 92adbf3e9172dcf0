import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../src/logging.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import { JobFailure } from "./fetch-pictures.ts";

/** How often it is looked whether the store works again. */
const AGAIN_MS = 1_000;

/** Waits for a blob store that cannot be used for a while: hours of work are worth it, and there is no other. */
export class Patience {
  constructor(
    private readonly store: BlobStore,
    /** Ends the waiting. */
    private readonly signal: AbortSignal,
    private readonly logger: Logger,
  ) {}

  /** Waits until something can be stored. */
  async untilWritable(): Promise<void> {
    for (let told = false; ; told = true) {
      const trouble = await this.store.ping().then(
        () => null,
        (error: unknown) => ({ err: error }),
      );
      if (!trouble) return;
      if (!told) this.logger.warn(trouble, "pictures cannot be stored: waiting until they can");
      await sleep(AGAIN_MS, undefined, { signal: this.signal });
    }
  }

  /**
   * Does something with the store, and again where that fails: without end while nothing can be stored at all, and
   * after each of these pauses (ms) where it is only this that fails.
   */
  async insist<T>(pauses: number[], action: () => Promise<T>): Promise<T> {
    for (const pause of pauses) {
      try {
        return await action();
      } catch (error) {
        if (error instanceof BlobNotFoundError || error instanceof JobFailure) throw error;
        this.logger.warn({ err: error }, "the blob store refused; trying again");
        await sleep(pause, undefined, { signal: this.signal });
        await this.untilWritable();
      }
    }
    return await action();
  }
}
