/** Limits how much is in use at once. No owner may use more than half, so that others can always get some. */
export class ConcurrencyLimiter {
  private used = 0;
  private readonly usedByOwner = new Map<string, number>();
  private readonly ownerLimit: number;

  /** @param minimum what a single owner may use in any case */
  constructor(
    private readonly limit: number,
    minimum = 1,
  ) {
    this.ownerLimit = Math.max(minimum, Math.floor(limit / 2));
  }

  /**
   * Returns a function that releases what was acquired, however often it is called; null if the limit is reached.
   *
   * @param owner null for requests without an owner: only the whole limit applies to them
   */
  acquire(owner: string | null, amount = 1): (() => void) | null {
    if (this.used + amount > this.limit) return null;
    if (owner !== null && this.usedBy(owner) + amount > this.ownerLimit) return null;
    this.add(owner, amount);
    let isReleased = false;
    return () => {
      if (!isReleased) this.add(owner, -amount);
      isReleased = true;
    };
  }

  private usedBy(owner: string): number {
    return this.usedByOwner.get(owner) ?? 0;
  }

  private add(owner: string | null, amount: number): void {
    this.used += amount;
    if (owner === null) return;
    const used = this.usedBy(owner) + amount;
    if (used > 0) this.usedByOwner.set(owner, used);
    else this.usedByOwner.delete(owner);
  }
}
