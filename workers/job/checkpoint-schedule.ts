/** The largest fraction of the engine's time that checkpoints may take. */
const MAXIMUM_SHARE = 0.02;

/**
 * Requests a checkpoint every `intervalMs`, and less often if that would take too much of the engine's time.
 */
export class CheckpointSchedule {
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private stepEndedAt = performance.now();

  constructor(
    private readonly intervalMs: number,
    private readonly requestCheckpoint: () => void,
  ) {}

  start(): void {
    this.schedule(this.intervalMs);
  }

  /** The engine has finished a step. It writes a requested checkpoint directly after a step. */
  onStep(): void {
    this.stepEndedAt = performance.now();
  }

  /** The engine has written a checkpoint. The time that it took decides when the next one is requested. */
  onCheckpoint(): void {
    const costMs = performance.now() - this.stepEndedAt;
    this.schedule(Math.max(this.intervalMs, costMs / MAXIMUM_SHARE));
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(this.requestCheckpoint, ms);
  }
}
