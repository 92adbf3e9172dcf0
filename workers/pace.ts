import type { Progress } from "../src/contract/job.ts";
import type { JobRecord } from "../src/queue/records/job-record.ts";

/** What a job counts for beside the one after it. */
const FADING = 0.7;
/** Less than this share of a job tells nothing of its pace. */
const TELLING = 0.05;

/** How fast this worker paints, learned from its jobs, and when it will be free. */
export class Pace {
  /** Seconds, and work done in them, of the jobs so far, earlier ones faded. */
  private seconds = 0;
  private work = 0;
  private current: {
    work: number;
    since: number;
    from: number;
    progress: Progress | null;
    seen: number;
  } | null = null;

  constructor(private readonly now: () => number = () => performance.now()) {}

  began(record: JobRecord): void {
    const from = record.checkpoint ? (record.progress?.fraction ?? 0) : 0;
    this.current = { work: record.work ?? 0, since: this.now(), from, progress: null, seen: this.now() };
  }

  progressed(progress: Progress): void {
    if (this.current) Object.assign(this.current, { progress, seen: this.now() });
  }

  ended(): void {
    const { seconds, work } = this.underWay();
    this.seconds = FADING * this.seconds + seconds;
    this.work = FADING * this.work + work;
    this.current = null;
  }

  /** Seconds for a unit of work (see `workOf`); null before anything was painted. */
  get secondsPerWork(): number | null {
    const { seconds, work } = this.underWay();
    return this.work + work > 0 ? (this.seconds + seconds) / (this.work + work) : null;
  }

  /** Seconds until the current job is done; null where that cannot be told yet. */
  get freeIn(): number | null {
    const { current } = this;
    if (!current) return 0;
    const left = current.progress?.eta_seconds;
    if (left != null) return Math.max(0, left - (this.now() - current.seen) / 1000);
    const pace = this.work > 0 ? this.seconds / this.work : null;
    return pace === null ? null : current.work * (1 - current.from) * pace;
  }

  /** Time of a step of the current job at its scale; null where there is none. */
  get stepMs(): number | null {
    return this.current?.progress?.step_ms ?? null;
  }

  private underWay(): { seconds: number; work: number } {
    const done = (this.current?.progress?.fraction ?? 0) - (this.current?.from ?? 0);
    if (!this.current || done < TELLING) return { seconds: 0, work: 0 };
    return { seconds: (this.current.seen - this.current.since) / 1000, work: done * this.current.work };
  }
}
