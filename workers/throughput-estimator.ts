import type { Progress } from "../src/contract/job.ts";
import type { JobRecord } from "../src/jobs/records/job-record.ts";

/** Weight of earlier jobs relative to the latest one. */
const DECAY = 0.7;
/** Below this fraction of a job its speed is mostly noise. */
const MINIMUM_FRACTION = 0.05;

interface InProgress {
  cost: number;
  /** Fraction that earlier attempts had completed. */
  initialFraction: number;
  startedAt: number;
  progress: Progress | null;
  progressAt: number;
}

/** Estimates how fast this worker paints and when it is free, from the jobs that it has painted. */
export class ThroughputEstimator {
  /** Decayed sums over the finished jobs. */
  private seconds = 0;
  private cost = 0;
  private current: InProgress | null = null;

  constructor(private readonly now: () => number = () => performance.now()) {}

  onJobStarted({ cost, checkpoint, progress }: JobRecord): void {
    const initialFraction = checkpoint ? (progress?.fraction ?? 0) : 0;
    const now = this.now();
    this.current = { cost, initialFraction, startedAt: now, progress: null, progressAt: now };
  }

  onProgress(progress: Progress): void {
    if (this.current) Object.assign(this.current, { progress, progressAt: this.now() });
  }

  onJobEnded(): void {
    const { seconds, cost } = this.measureCurrent();
    this.seconds = DECAY * this.seconds + seconds;
    this.cost = DECAY * this.cost + cost;
    this.current = null;
  }

  /** Seconds per unit of cost (see `estimateCost`); null before anything was painted. */
  get secondsPerCost(): number | null {
    const { seconds, cost } = this.measureCurrent();
    return this.cost + cost > 0 ? (this.seconds + seconds) / (this.cost + cost) : null;
  }

  /** Seconds until the current job is done, 0 without a job; null if unknown. */
  get secondsUntilFree(): number | null {
    if (!this.current) return 0;
    const { progress, progressAt, cost, initialFraction } = this.current;
    const left = progress?.eta_seconds;
    if (left != null) return Math.max(0, left - (this.now() - progressAt) / 1000);
    return this.cost > 0 ? cost * (1 - initialFraction) * (this.seconds / this.cost) : null;
  }

  /** Duration of the current job's steps at its current scale; null without a job or a step. */
  get stepMs(): number | null {
    return this.current?.progress?.step_ms ?? null;
  }

  /** Cost that this attempt has completed of the current job, and the seconds that it took. */
  private measureCurrent(): { seconds: number; cost: number } {
    if (!this.current) return { seconds: 0, cost: 0 };
    const { cost, initialFraction, startedAt, progress, progressAt } = this.current;
    const fraction = (progress?.fraction ?? 0) - initialFraction;
    if (fraction < MINIMUM_FRACTION) return { seconds: 0, cost: 0 };
    return { seconds: (progressAt - startedAt) / 1000, cost: fraction * cost };
  }
}
