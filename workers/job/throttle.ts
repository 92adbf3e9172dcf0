import { setTimeout as sleep } from "node:timers/promises";

/**
 * Writes what is offered, one at a time and at most once in `intervalMs`; of what comes in between only the latest
 * is kept. What fails is reported and gone.
 */
export class Throttle<T> {
  private latest: { value: T } | null = null;
  private writing: Promise<void> | null = null;
  private skipPause = new AbortController();

  constructor(
    private readonly intervalMs: number,
    private readonly write: (value: T) => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  offer(value: T): void {
    this.latest = { value };
    this.writing ??= this.run();
  }

  /** Writes at once what still waits, and resolves when it is written. */
  async flush(): Promise<void> {
    this.skipPause.abort();
    await this.writing;
    this.skipPause = new AbortController();
  }

  private async run(): Promise<void> {
    while (this.latest) {
      const { value } = this.latest;
      this.latest = null;
      await this.write(value).catch(this.onError);
      const { signal } = this.skipPause;
      await sleep(this.intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.writing = null;
  }
}
