import type { JobRecord } from "../../src/jobs/records/job-record.ts";

type Listener = (record: JobRecord) => void;

/**
 * Notices changes of a job's options during an attempt. Every change message of a job carries how often its options have
 * changed: a lost message is noticed with the next one, which is the next progress at the latest.
 */
export class OptionsWatcher {
  private knownVersion = Number.POSITIVE_INFINITY;
  private latest: JobRecord | null = null;
  private listener: Listener | null = null;

  constructor(private readonly readRecord: () => Promise<JobRecord | null>) {}

  /** Starts to watch for versions after `version`. */
  start(version: number): void {
    this.knownVersion = version;
  }

  stop(): void {
    this.listener = null;
  }

  /** Reads the record if `version` is new. */
  async onVersion(version: number): Promise<void> {
    if (version <= this.knownVersion) return;
    const previous = this.knownVersion;
    this.knownVersion = version;
    try {
      const record = await this.readRecord();
      if (!record || record.options_version <= (this.latest?.options_version ?? previous)) return;
      this.latest = record;
      this.listener?.(record);
    } catch {
      this.knownVersion = previous; // the next message tries again
    }
  }

  /** Calls `listener` with the record whenever the options have changed, and at once if they already have. */
  subscribe(listener: Listener): void {
    this.listener = listener;
    if (this.latest) listener(this.latest);
  }
}
