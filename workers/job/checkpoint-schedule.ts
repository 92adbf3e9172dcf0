/** Share of the time that checkpoints may take of a run. */
const LARGEST_SHARE = 0.02;

/**
 * Says when the engine is to give a checkpoint: every `intervalMs`, and more seldom where that would take too much
 * of its time. (L-BFGS keeps 22 pictures: 72 MB at 512².)
 */
export class CheckpointSchedule {
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private stepEnded = performance.now();

  constructor(
    private readonly intervalMs: number,
    private readonly request: () => void,
  ) {}

  start(): void {
    this.plan(this.intervalMs);
  }

  /** The engine has ended a step; it makes a checkpoint right after one. */
  sawProgress(): void {
    this.stepEnded = performance.now();
  }

  /** What it took to make a checkpoint and send it decides when the next one is asked for. */
  sawCheckpoint(): void {
    const cost = performance.now() - this.stepEnded;
    this.plan(Math.max(this.intervalMs, cost / LARGEST_SHARE));
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private plan(ms: number): void {
    if (this.stopped) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(this.request, ms);
  }
}
