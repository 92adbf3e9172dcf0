import type { Progress } from "../src/contract/job.ts";
import type { JobRecord } from "../src/jobs/records/job-record.ts";

/** What a job counts for beside the one after it. */
const FADING = 0.7;
/** Less than this share of a job tells nothing of its pace. */
const TELLING = 0.05;

/** The job that is under way. */
interface UnderWay {
  work: number;
  /** What of it earlier attempts had done. */
  from: number;
  began: number;
  progress: Progress | null;
  /** When the progress came. */
  seen: number;
}

/** How fast this worker paints, learned from its jobs, and when it will be free. */
export class Pace {
  /** Seconds, and work done in them, of the jobs so far, earlier ones faded. */
  private seconds = 0;
  private work = 0;
  private job: UnderWay | null = null;

  constructor(private readonly now: () => number = () => performance.now()) {}

  began({ work, checkpoint, progress }: JobRecord): void {
    const from = checkpoint ? (progress?.fraction ?? 0) : 0;
    this.job = { work: work ?? 0, from, began: this.now(), progress: null, seen: this.now() };
  }

  progressed(progress: Progress): void {
    if (this.job) Object.assign(this.job, { progress, seen: this.now() });
  }

  ended(): void {
    const { seconds, work } = this.done();
    this.seconds = FADING * this.seconds + seconds;
    this.work = FADING * this.work + work;
    this.job = null;
  }

  /** Seconds for a unit of work (see `estimateCost`); null before anything was painted. */
  get secondsPerWork(): number | null {
    const { seconds, work } = this.done();
    return this.work + work > 0 ? (this.seconds + seconds) / (this.work + work) : null;
  }

  /** Seconds until the current job is done; null where that cannot be told yet. */
  get freeIn(): number | null {
    if (!this.job) return 0;
    const { progress, seen, work, from } = this.job;
    const left = progress?.eta_seconds;
    if (left != null) return Math.max(0, left - (this.now() - seen) / 1000);
    return this.work > 0 ? work * (1 - from) * (this.seconds / this.work) : null;
  }

  /** Time of a step of the current job at its scale; null where there is none. */
  get stepMs(): number | null {
    return this.job?.progress?.step_ms ?? null;
  }

  /** What of the current job was done by this attempt, and in which time. */
  private done(): { seconds: number; work: number } {
    if (!this.job) return { seconds: 0, work: 0 };
    const { work, from, began, progress, seen } = this.job;
    const done = (progress?.fraction ?? 0) - from;
    return done < TELLING ? { seconds: 0, work: 0 } : { seconds: (seen - began) / 1000, work: done * work };
  }
}
