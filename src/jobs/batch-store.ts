import type { Redis } from "ioredis";
import { z } from "zod";
import { metadataSchema } from "../contract/request.ts";
import type { RedisKeys } from "../redis/keys.ts";

const batchSchema = z.object({
  id: z.uuid(),
  owner: z.string(),
  metadata: metadataSchema,
  created_at: z.iso.datetime(),
  /** In the order of contents, and of styles within each. */
  jobs: z.array(z.object({ id: z.uuid(), content: z.int().min(0), style: z.int().min(0) })),
});
/** Which jobs were submitted together: these live and end by themselves. */
export type Batch = z.infer<typeof batchSchema>;

/** Longer than any of its jobs is remembered where their owner did not say how long. */
const MARGIN_SECONDS = 30 * 24 * 3600;

/** The batches in Redis. */
export class BatchStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    /** How long a job is kept after its end. */
    private readonly keepSeconds: number,
  ) {}

  /** Writes a new batch, or gives the one that is there already under this id. */
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
