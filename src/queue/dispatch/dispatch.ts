import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { QUEUE_NAME, type QueueKeys } from "../keys.ts";
import type { JobRecord } from "../records/job-record.ts";
import { defineDispatchScripts } from "./dispatch-scripts.ts";
import { UNPLACED } from "./fair-share.ts";

const PAGE = 500;

type DispatchedJob = Pick<JobRecord, "id" | "owner" | "priority">;

/** What is ahead of a job. */
export interface Ahead {
  /** Jobs that will be taken before it; null where it does not wait. */
  position: number | null;
  /** Of the jobs before it: see `workOf`. */
  work: number;
  /** Of its record; 0 without one. */
  revision: number;
}

/** BullMQ's part: which job is taken next and by whom. It knows no more of a job than its id and place. */
export class Dispatch {
  private readonly queue: Queue;

  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
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

  /** For whoever wants to look at BullMQ itself; nothing may be changed behind the records' back. */
  get board(): BullMQAdapter {
    return new BullMQAdapter(this.queue, {
      readOnlyMode: true,
      description: "What is dispatched; the records are elsewhere",
    });
  }

  /** Adding an id that is there already changes nothing. */
  async add({ id, owner, priority }: DispatchedJob): Promise<void> {
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

  /** Takes a waiting job out; one that a worker holds stays, and the worker finds that there is nothing to do. */
  async remove({ id, owner }: Omit<DispatchedJob, "priority">): Promise<void> {
    await this.redis.nstLeave(this.keys.dispatch("prioritized"), this.keys.owners(owner, "order"), id);
    await this.queue.remove(id);
  }

  /** For each of the jobs what is ahead of it. O(log n) each. */
  async ahead(ids: string[]): Promise<Ahead[]> {
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

  /**
   * Ids of jobs that should run but that BullMQ does not know, or that have no place: a process died between writing
   * the record and adding the job.
   */
  async *undispatched(): AsyncIterable<string> {
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
