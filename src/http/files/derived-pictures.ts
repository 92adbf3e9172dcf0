import { derivedFolder } from "../../jobs/records/job-blobs.ts";
import type { BlobStore } from "../../storage/blob-store.ts";

/** Pictures that are created from a job's pictures on first request, and then stored with them. */
export class DerivedPictures {
  private readonly inProgress = new Map<string, Promise<unknown>>();

  constructor(private readonly store: BlobStore) {}

  /** Returns the key of the picture `name` of a job; `create` creates it if it does not exist yet. */
  async getOrCreate(jobId: string, name: string, create: () => Promise<Uint8Array>): Promise<string> {
    const key = `${derivedFolder(jobId)}${name}`;
    if (await this.store.stat(key)) return key;
    const running = this.inProgress.get(key);
    const stored = running ?? create().then((bytes) => this.store.put(key, bytes));
    if (!running) {
      this.inProgress.set(key, stored);
      const remove = () => this.inProgress.delete(key);
      stored.then(remove, remove);
    }
    await stored;
    return key;
  }
}
