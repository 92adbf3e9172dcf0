import { setTimeout as sleep } from "node:timers/promises";

/**
 * Writes values one at a time, at most once per interval. Of the values offered during an interval only the latest is
 * written. A value whose write fails is dropped.
 */
export class Throttle<T> {
  private latest: { value: T } | null = null;
  private writing: Promise<void> | null = null;
  private interval = new AbortController();

  constructor(
    private readonly intervalMs: number,
    private readonly write: (value: T) => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  offer(value: T): void {
    this.latest = { value };
    this.writing ??= this.writeAll();
  }

  /** Writes the latest value without waiting for the interval's end, and resolves when it is written. */
  async flush(): Promise<void> {
    this.interval.abort();
    await this.writing;
    this.interval = new AbortController();
  }

  private async writeAll(): Promise<void> {
    while (this.latest) {
      const { value } = this.latest;
      this.latest = null;
      await this.write(value).catch(this.onError);
      const { signal } = this.interval;
      await sleep(this.intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.writing = null;
  }
}
