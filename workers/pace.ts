import type { Progress } from "../src/contract/job.ts";
import type { JobRecord } from "../src/queue/records/job-record.ts";

/** What a job counts for beside the one after it. */
const FADING = 0.7;
/** Less than this share of a job tells nothing of its pace. */
const TELLING = 0.05;

/** A job that is under way. */
interface UnderWay {
  work: number;
  /** What of it earlier attempts had done. */
  from: number;
  progress: Progress | null;
  /** When the progress came. */
  seen: number;
  /** Its share of the time so far, and of that until the progress came: jobs at once share each moment equally. */
  seconds: number;
  seenSeconds: number;
}

/** How fast this worker paints, learned from its jobs, and when it will be free. */
export class Pace {
  /** Seconds, and work done in them, of the jobs so far, earlier ones faded. */
  private seconds = 0;
  private work = 0;
  private readonly jobs = new Map<string, UnderWay>();
  /** Until when the time is shared out. */
  private shared = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  began({ id, work, checkpoint, progress }: JobRecord): void {
    this.share();
    const from = checkpoint ? (progress?.fraction ?? 0) : 0;
    const begun = { work: work ?? 0, from, progress: null, seen: this.now() };
    this.jobs.set(id, { ...begun, seconds: 0, seenSeconds: 0 });
  }

  progressed(id: string, progress: Progress): void {
    this.share();
    const job = this.jobs.get(id);
    if (job) Object.assign(job, { progress, seen: this.now(), seenSeconds: job.seconds });
  }

  ended(id: string): void {
    this.share();
    const job = this.jobs.get(id);
    if (!job) return;
    const { seconds, work } = doneOf(job);
    this.seconds = FADING * this.seconds + seconds;
    this.work = FADING * this.work + work;
    this.jobs.delete(id);
  }

  /** Seconds for a unit of work (see `workOf`) of all jobs together; null before anything was painted. */
  get secondsPerWork(): number | null {
    const done = [...this.jobs.values()].map(doneOf);
    const seconds = done.reduce((sum, one) => sum + one.seconds, this.seconds);
    const work = done.reduce((sum, one) => sum + one.work, this.work);
    return work > 0 ? seconds / work : null;
  }

  /** Seconds until all current jobs are done; null where that cannot be told yet. */
  get freeIn(): number | null {
    const left = this.left();
    return left.includes(null) ? null : Math.max(0, ...(left as number[]));
  }

  /** Seconds until the first of the current jobs is done; null where that cannot be told yet. */
  get nextIn(): number | null {
    const left = this.left().filter((seconds) => seconds !== null);
    return left.length > 0 ? Math.min(...left) : this.freeIn;
  }

  /** Time of a step of the current jobs, each at its scale: the longest; null where there is none. */
  get stepMs(): number | null {
    const times = [...this.jobs.values()].map(({ progress }) => progress?.step_ms ?? 0);
    return Math.max(0, ...times) || null;
  }

  /** Seconds until each job is done. */
  private left(): (number | null)[] {
    const pace = this.work > 0 ? this.seconds / this.work : null;
    return [...this.jobs.values()].map(({ progress, seen, work, from }) => {
      const left = progress?.eta_seconds;
      if (left != null) return Math.max(0, left - (this.now() - seen) / 1000);
      return pace === null ? null : work * (1 - from) * pace * this.jobs.size;
    });
  }

  private share(): void {
    const now = this.now();
    for (const job of this.jobs.values()) job.seconds += (now - this.shared) / 1000 / this.jobs.size;
    this.shared = now;
  }
}

/** What of a job was done by this attempt, and in which time. */
function doneOf({ work, from, progress, seenSeconds }: UnderWay): { seconds: number; work: number } {
  const done = (progress?.fraction ?? 0) - from;
  return done < TELLING ? { seconds: 0, work: 0 } : { seconds: seenSeconds, work: done * work };
}
