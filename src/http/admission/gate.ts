/** Lets in as much at once as is allowed, and no more: nobody waits at it. */
export class Gate {
  private inside = 0;

  constructor(readonly limit: number) {}

  /** Gives what must be called at the end, once or more often; null where there is no room. */
  enter(weight = 1): (() => void) | null {
    if (this.inside + weight > this.limit) return null;
    this.inside += weight;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inside -= weight;
    };
  }
}

/** A gate of which one owner gets half at most, so that there is room for others whatever that one does. */
export class SharedGate {
  private readonly gate: Gate;
  private readonly held = new Map<string, number>();
  private readonly share: number;

  /** @param least what one owner gets in any case */
  constructor(limit: number, least = 1) {
    this.gate = new Gate(limit);
    this.share = Math.max(least, Math.floor(limit / 2));
  }

  /** As `Gate.enter`; `owner` is null where everybody is one. */
  enter(owner: string | null, weight = 1): (() => void) | null {
    if (owner === null) return this.gate.enter(weight);
    const before = this.held.get(owner) ?? 0;
    const leave = before + weight > this.share ? null : this.gate.enter(weight);
    if (!leave) return null;
    this.held.set(owner, before + weight);
    let left = false;
    return () => {
      leave();
      if (left) return;
      left = true;
      const after = (this.held.get(owner) ?? 0) - weight;
      if (after > 0) this.held.set(owner, after);
      else this.held.delete(owner);
    };
  }
}
