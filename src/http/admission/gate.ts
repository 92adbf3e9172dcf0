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
