import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { JOB_QUEUE_NAME, type RedisKeys } from "../../redis/keys.ts";
import type { JobRecord } from "../records/job-record.ts";
import {
  assignScore,
  findLost,
  leaveOwnerOrder,
  promoteFirstMatching,
  readQueuePositions,
} from "./scheduler-scripts.ts";

const PAGE = 500;
/** BullMQ's priority of a job that has no place yet: behind all that have one. */
const UNPLACED_PRIORITY = 2_000_000;

type ScheduledJob = Pick<JobRecord, "id" | "owner" | "priority">;

/** What is ahead of a job. */
export interface Backlog {
  /** How many jobs are ahead of it; null if it is not queued. */
  position: number | null;
  /** The estimated cost of those jobs together. */
  cost: number;
  /** The revision of the job's record; 0 if there is none. */
  revision: number;
}

/** Decides, with BullMQ, which job is next and which worker gets it. It knows a job's id and its place in the order. */
export class JobScheduler {
  private readonly queue: Queue;

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {
    this.queue = new Queue(JOB_QUEUE_NAME, {
      connection: redis,
      prefix: keys.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 1000 } },
    });
    this.queue.on("error", () => undefined);
  }

  /** Adds a job. Adding an id that is known changes nothing. */
  async add({ id, owner, priority }: ScheduledJob): Promise<void> {
    const { redis, keys } = this;
    await this.queue.add("paint", {}, { jobId: id, priority: UNPLACED_PRIORITY });
    await assignScore.run(redis, [this.places, keys.bullmq(id), keys.owner(owner, "order"), keys.arrivals], {
      id,
      priority,
      unplaced_priority: UNPLACED_PRIORITY,
    });
  }

  /** Removes a queued job. A job that a worker holds stays: the worker finds out that it has ended. */
  async remove({ id, owner }: Omit<ScheduledJob, "priority">): Promise<void> {
    await leaveOwnerOrder.run(this.redis, [this.places, this.keys.owner(owner, "order")], { id });
    await this.queue.remove(id);
  }

  /** For each job, what is ahead of it. O(log n) each. */
  async readQueuePositions(ids: readonly string[]): Promise<Backlog[]> {
    const { keys } = this;
    const queued = [keys.status("queued"), keys.queuedCost] as const;
    const job_prefix = keys.jobPrefix;
    const found = await readQueuePositions.run(
      this.redis,
      [this.first, this.places, ...queued],
      { job_prefix },
      ids,
    );
    return found.map(([position, cost, revision]) => {
      return { position: position < 0 ? null : position, cost, revision };
    });
  }

  /** Makes the first queued job that fits the next one to be taken. Returns false if no job fits. O(n) in the jobs that do not. */
  async promoteFirstMatching(largest_size: number): Promise<boolean> {
    const keys = [this.first, this.places, this.keys.queuedSizes] as const;
    return (await promoteFirstMatching.run(this.redis, [...keys], { largest_size })) === 1;
  }

  /** How many queued jobs are too large for a worker, and the largest size among them. O(log n). */
  async countOversized(largest_size: number): Promise<{ count: number; largestSize: number }> {
    const { redis, keys } = this;
    const [count, [, largest = "0"]] = await Promise.all([
      redis.zcount(keys.queuedSizes, `(${largest_size}`, "+inf"),
      redis.zrevrange(keys.queuedSizes, 0, 0, "WITHSCORES"),
    ]);
    return { count, largestSize: count === 0 ? 0 : Number(largest) };
  }

  /** Ids of queued and running jobs that BullMQ does not know, or that have no place in the order. */
  async *lostJobs(): AsyncIterable<string> {
    const bullmq_prefix = this.keys.bullmq("");
    for (const status of ["queued", "running"] as const) {
      const set = this.keys.status(status);
      const size = await this.redis.zcard(set);
      for (let from = 0; from < size; from += PAGE) {
        yield* await findLost.run(this.redis, [set], { bullmq_prefix, from, to: from + PAGE - 1 });
      }
    }
  }

  /** BullMQ's queue for bull-board, read-only: a change there would bypass the records. */
  get bullBoard(): BullMQAdapter {
    return new BullMQAdapter(this.queue, {
      readOnlyMode: true,
      description: "The order of jobs; their records are kept apart",
    });
  }

  async close(): Promise<void> {
    await this.queue.close();
  }

  /** BullMQ's list of jobs to take first. */
  private get first(): string {
    return this.keys.bullmq("wait");
  }

  /** BullMQ's sorted set of all other jobs. */
  private get places(): string {
    return this.keys.bullmq("prioritized");
  }
}
