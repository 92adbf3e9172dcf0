import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { QUEUE_NAME, type RedisKeys } from "../../redis/keys.ts";
import type { JobRecord } from "../records/job-record.ts";
import { UNPLACED } from "./fair-share.ts";
import { defineDispatchScripts } from "./scheduler-scripts.ts";

const PAGE = 500;

type ScheduledJob = Pick<JobRecord, "id" | "owner" | "priority">;

/** What is ahead of a job. */
export interface Backlog {
  /** How many jobs are ahead of it; null if it is not queued. */
  position: number | null;
  /** The estimated cost of those jobs together: see `estimateCost`. */
  work: number;
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
    defineDispatchScripts(redis);
    this.queue = new Queue(QUEUE_NAME, {
      connection: redis,
      prefix: keys.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 1000 } },
    });
    this.queue.on("error", () => undefined);
  }

  /** BullMQ's queue for bull-board, read-only: a change there would bypass the records. */
  get bullBoard(): BullMQAdapter {
    return new BullMQAdapter(this.queue, {
      readOnlyMode: true,
      description: "The order of jobs; their records are kept apart",
    });
  }

  /** Adds a job. Adding an id that is known changes nothing. */
  async add({ id, owner, priority }: ScheduledJob): Promise<void> {
    await this.queue.add("paint", {}, { jobId: id, priority: UNPLACED });
    await this.redis.nstPlace(
      this.keys.dispatch("prioritized"),
      this.keys.dispatch(id),
      this.keys.owners(owner, "order"),
      this.keys.arrivals,
      id,
      String(priority),
    );
  }

  /** Removes a queued job. A job that a worker holds stays: the worker finds out that it has ended. */
  async remove({ id, owner }: Omit<ScheduledJob, "priority">): Promise<void> {
    await this.redis.nstLeave(this.keys.dispatch("prioritized"), this.keys.owners(owner, "order"), id);
    await this.queue.remove(id);
  }

  /** For each job, what is ahead of it. O(log n) each. */
  async backlogs(ids: readonly string[]): Promise<Backlog[]> {
    const answers = await this.redis.nstAhead(
      this.keys.dispatch("wait"),
      this.keys.dispatch("prioritized"),
      this.keys.status("queued"),
      this.keys.queuedWork,
      this.keys.job(""),
      ...ids,
    );
    return answers.map(([position, work, revision]) => {
      return { position: position < 0 ? null : position, work, revision };
    });
  }

  /** Ids of queued and running jobs that BullMQ does not know, or that have no place in the order. */
  async *lostJobs(): AsyncIterable<string> {
    for (const status of ["queued", "running"] as const) {
      const key = this.keys.status(status);
      const size = await this.redis.zcard(key);
      for (let start = 0; start < size; start += PAGE) {
        const range = [String(start), String(start + PAGE - 1)];
        yield* await this.redis.nstUndispatched(key, this.keys.dispatch(""), ...range);
      }
    }
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
