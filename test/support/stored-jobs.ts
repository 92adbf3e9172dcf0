import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { v7 } from "uuid";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import type { QueueHarness } from "./harness/queue.ts";
import { submission } from "./jobs.ts";

export const HOUR = 3600_000;

/** Jobs and their blobs in a store of the test's own, created more than a day ago. */
export class StoredJobs {
  readonly store: FilesystemBlobStore;

  constructor(
    private readonly harness: QueueHarness,
    folder: string,
  ) {
    this.store = new FilesystemBlobStore(join(folder, v7()));
  }

  async stored(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of this.store.list("")) found.push(key);
    return found;
  }

  /** Stores a blob as if that had happened `ageMs` ago. */
  async put(key: string, ageMs = 0): Promise<void> {
    await this.store.put(key, Buffer.from("x"));
    const then = new Date(Date.now() - ageMs);
    await utimes(join(this.store.root, key), then, then);
  }

  async submitted(more: Parameters<typeof submission>[0] = {}): Promise<JobRecord> {
    const record = await this.harness.queue.submit(submission(more));
    for (const key of [record.content, ...record.styles]) await this.put(key, 25 * HOUR);
    return record;
  }

  async succeeded(): Promise<JobRecord> {
    const { queue, records } = this.harness;
    const { id } = await this.submitted();
    await records.transition(id, "start", { attempt_id: "r", attempts: 1 });
    const key = `jobs/${id}/r/result`;
    await this.put(key, 25 * HOUR);
    const result = { key, media_type: "image/png", bytes: 1, width: 1, height: 1 };
    await records.transition(id, "succeed", { result }, { attempt_id: "r" });
    return (await queue.find(id)) as JobRecord;
  }
}
