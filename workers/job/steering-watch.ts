import type { JobRecord } from "../../src/jobs/records/job-record.ts";

type Listener = (record: JobRecord) => void;

/**
 * Notices that a job's options were changed while it is worked at. Each change of a record tells how often they were,
 * so that one whose message was lost is noticed with the next progress at the latest.
 */
export class SteeringWatch {
  private known = Number.POSITIVE_INFINITY;
  private latest: JobRecord | null = null;
  private listener: Listener | null = null;

  constructor(private readonly read: () => Promise<JobRecord | null>) {}

  /** From here on, what goes beyond `steered` is news. */
  begin(steered: number): void {
    this.known = steered;
  }

  /** Calls back no more. */
  end(): void {
    this.listener = null;
  }

  /** Takes in how often the options were changed by now. */
  async hear(steered: number): Promise<void> {
    if (steered <= this.known) return;
    const before = this.known;
    this.known = steered;
    try {
      const record = await this.read();
      if (!record || record.steered <= (this.latest?.steered ?? before)) return;
      this.latest = record;
      this.listener?.(record);
    } catch {
      this.known = before; // the next message comes
    }
  }

  /** Calls back with the record whenever its options were changed; at once where that has happened already. */
  listen(listener: Listener): void {
    this.listener = listener;
    if (this.latest) listener(this.latest);
  }
}
