import type { Redis } from "ioredis";
import { z } from "zod";
import { metadataSchema } from "../contract/request.ts";
import type { RedisKeys } from "../redis/keys.ts";

const batchSchema = z.object({
  id: z.uuid(),
  owner: z.string(),
  metadata: metadataSchema,
  created_at: z.iso.datetime(),
  /** By content, and for each content by style. */
  jobs: z.array(z.object({ id: z.uuid(), content: z.int().min(0), style: z.int().min(0) })),
});
/** Jobs that were submitted together. Each of them runs and ends by itself. */
export type Batch = z.infer<typeof batchSchema>;

/** A batch goes with its last job; one whose jobs were never queued goes after this time. */
const MARGIN_SECONDS = 30 * 24 * 3600;

/** The batches in Redis. */
export class BatchStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    /** How long a job is kept after its end. */
    private readonly keepSeconds: number,
  ) {}

  /** Writes a new batch. Returns the stored one if the id is known. */
  async create(batch: Batch): Promise<Batch> {
    const key = this.keys.batch(batch.id);
    const seconds = this.keepSeconds + MARGIN_SECONDS;
    await this.redis.set(key, JSON.stringify(batch), "EX", seconds, "NX");
    return (await this.read(key)) ?? batch;
  }

  find(id: string): Promise<Batch | null> {
    return this.read(this.keys.batch(id));
  }

  async delete(id: string): Promise<void> {
    await this.redis.del(this.keys.batch(id));
  }

  private async read(key: string): Promise<Batch | null> {
    const text = await this.redis.get(key);
    return text === null ? null : batchSchema.parse(JSON.parse(text));
  }
}
