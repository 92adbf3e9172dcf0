import type { JobRecord } from "./job-record.ts";

/**
 * The records looked at last. One is right as long as the job's revision is the same, since each change of a
 * record counts it up; it must not be changed by who gets it.
 */
export class RecordCache {
  private readonly records = new Map<string, JobRecord>();

  constructor(private readonly size: number) {}

  get(id: string, revision: number): JobRecord | null {
    const record = this.records.get(id);
    if (record?.revision !== revision) return null;
    // A map keeps the order of insertion: what is used goes to its end.
    this.records.delete(id);
    this.records.set(id, record);
    return record;
  }

  put(record: JobRecord): void {
    this.records.delete(record.id);
    this.records.set(record.id, record);
    const [oldest] = this.records.keys();
    if (this.records.size > this.size && oldest !== undefined) this.records.delete(oldest);
  }
}
