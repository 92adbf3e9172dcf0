/** Limits how many requests are open at once. No owner may have more than half, so that others can always get some. */
export class ConcurrencyLimiter {
  private total = 0;
  private readonly byOwner = new Map<string, number>();
  private readonly ownerLimit: number;

  constructor(private readonly limit: number) {
    this.ownerLimit = Math.max(1, Math.floor(limit / 2));
  }

  /** How many slots are in use. */
  get inUse(): number {
    return this.total;
  }

  /**
   * Acquires a slot until `end` is aborted. Returns a function that releases it earlier, however often it is called; null
   * if the limit is reached.
   *
   * @param owner null for requests without an owner: only the whole limit applies to them
   */
  acquire(owner: string | null, end: AbortSignal): (() => void) | null {
    if (this.total >= this.limit) return null;
    if (owner !== null && (this.byOwner.get(owner) ?? 0) >= this.ownerLimit) return null;
    this.add(owner, 1);
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      end.removeEventListener("abort", release);
      this.add(owner, -1);
    };
    if (end.aborted) release();
    else end.addEventListener("abort", release);
    return release;
  }

  private add(owner: string | null, amount: 1 | -1): void {
    this.total += amount;
    if (owner === null) return;
    const used = (this.byOwner.get(owner) ?? 0) + amount;
    if (used > 0) this.byOwner.set(owner, used);
    else this.byOwner.delete(owner);
  }
}
