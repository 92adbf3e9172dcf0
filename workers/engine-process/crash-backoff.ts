const MAXIMUM_MS = 30_000;
/** A crash after this time says nothing about the next process: the backoff starts again. */
const STABLE_MS = 60_000;
/** Crashes in a row after which the engine counts as unavailable. */
const MAXIMUM_CRASHES = 3;

/** Counts crashes in a row, and delays each restart after the first more than the one before. */
export class CrashBackoff {
  private crashes = 0;

  /** Returns the time until the restart of a process that crashed after `lifetimeMs`. */
  onCrash(lifetimeMs: number): number {
    if (lifetimeMs > STABLE_MS) this.crashes = 0;
    this.crashes++;
    return this.crashes === 1 ? 0 : Math.min(1_000 * 2 ** (this.crashes - 2), MAXIMUM_MS);
  }

  get isUnavailable(): boolean {
    return this.crashes > MAXIMUM_CRASHES;
  }
}
