import { jobFolder, needsBlob } from "../../src/jobs/records/job-blobs.ts";
import type { JobRecord, StoredPicture } from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import { MEDIA_TYPES } from "../../src/pictures/picture-type.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import type { AttemptContext } from "./attempt-context.ts";

/**
 * The blobs of an attempt. Each attempt writes to keys of its own: an attempt that has lost its job without knowing it
 * cannot overwrite what the next one has stored.
 */
export class AttemptBlobs {
  private readonly jobFolder: string;
  private readonly attemptFolder: string;
  /** Keys of this attempt, and of the attempt that it continues. */
  private readonly known = new Set<string>();

  constructor(
    private readonly store: BlobStore,
    { record, attemptId }: AttemptContext,
  ) {
    this.jobFolder = jobFolder(record.id);
    const { checkpoint, preview, losses } = record;
    for (const key of [checkpoint?.key, preview?.key, losses]) if (key) this.known.add(key);
    this.attemptFolder = `${this.jobFolder}${attemptId}/`;
  }

  async put(name: string, bytes: Uint8Array): Promise<string> {
    const key = this.keyOf(name);
    await this.store.put(key, bytes);
    return key;
  }

  /** Moves a file into the store. */
  async putFile(name: string, path: string): Promise<string> {
    const key = this.keyOf(name);
    await this.store.putFile(key, path);
    return key;
  }

  async putPicture(
    name: string,
    bytes: Uint8Array,
    { width, height }: Pick<Raster, "width" | "height">,
    format: keyof typeof MEDIA_TYPES,
  ): Promise<StoredPicture> {
    const key = await this.put(name, bytes);
    return { key, media_type: MEDIA_TYPES[format], bytes: bytes.length, width, height };
  }

  /**
   * Deletes what the record does not name any more. If the job has ended, that includes the blobs of attempts that died;
   * otherwise only those that this attempt knows, because another one may already run.
   */
  async deleteUnused(record: JobRecord | null): Promise<void> {
    if (!record || isFinal(record.status)) {
      for await (const { key } of this.store.list(this.jobFolder)) this.known.add(key);
    }
    for (const key of this.known) if (!record || !needsBlob(record, key)) await this.store.delete(key);
  }

  private keyOf(name: string): string {
    const key = `${this.attemptFolder}${name}`;
    this.known.add(key);
    return key;
  }
}
