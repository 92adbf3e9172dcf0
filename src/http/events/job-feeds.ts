import type { JobView } from "../../contract/job.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";

/** A job at one moment; null if it has been deleted. */
export interface FeedState {
  record: JobRecord | null;
  /** The view is created once for all readers. */
  view: () => Promise<JobView>;
}

type Listener = (state: FeedState | Error) => void;

/** Reads each job that is followed once per change for all event streams of this process. */
export class JobFeeds {
  private readonly feeds = new Map<string, JobFeed>();

  constructor(
    private readonly queue: JobQueue,
    private readonly toView: (record: JobRecord) => Promise<JobView>,
    private readonly heartbeatMs: number,
  ) {}

  /** Calls `listener` with the job as it is now and after each change, until the returned function is called. */
  follow(id: string, listener: Listener): () => void {
    let feed = this.feeds.get(id);
    if (!feed) {
      feed = new JobFeed(this.queue, id, this.toView, this.heartbeatMs, () => this.feeds.delete(id));
      this.feeds.set(id, feed);
    }
    return feed.add(listener);
  }
}

class JobFeed {
  private readonly listeners = new Set<Listener>();
  private latest: FeedState | null = null;
  private isReading = false;
  private isOutdated = false;
  private readonly unwatch: Promise<() => Promise<void>>;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly queue: JobQueue,
    private readonly id: string,
    private readonly toView: (record: JobRecord) => Promise<JobView>,
    heartbeatMs: number,
    private readonly onEmpty: () => void,
  ) {
    this.unwatch = queue.watch(id, () => this.read());
    this.unwatch.then(
      () => this.read(),
      (error: Error) => this.publish(error),
    );
    // Redis may lose messages during an outage.
    this.timer = setInterval(() => this.read(), heartbeatMs).unref();
  }

  add(listener: Listener): () => void {
    this.listeners.add(listener);
    if (this.latest) listener(this.latest);
    return () => {
      if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
      clearInterval(this.timer);
      this.onEmpty();
      this.unwatch.then(
        (unwatch) => unwatch(),
        () => undefined,
      );
    };
  }

  /** Reads the job. A change during a read causes one more. */
  private read(): void {
    this.isOutdated = true;
    if (this.isReading) return;
    this.isReading = true;
    this.readUntilCurrent()
      .catch((error: Error) => this.publish(error))
      .finally(() => {
        this.isReading = false;
      });
  }

  private async readUntilCurrent(): Promise<void> {
    while (this.isOutdated && this.listeners.size > 0) {
      this.isOutdated = false;
      const record = await this.queue.find(this.id);
      let view: Promise<JobView> | undefined;
      this.publish({
        record,
        view: () => {
          if (!record) throw new Error(`Job ${this.id} is deleted`);
          view ??= this.toView(record);
          return view;
        },
      });
    }
  }

  private publish(state: FeedState | Error): void {
    if (!(state instanceof Error)) this.latest = state;
    for (const listener of this.listeners) listener(state);
  }
}
