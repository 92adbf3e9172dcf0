import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { bringForward, type Capacity, type Demand, demandOf, isCompany } from "../dispatch/capacity.ts";
import type { QueueKeys } from "../keys.ts";

/** For each job that a worker is at it waits so long before it takes one more: who has less to do is faster. */
const YIELD_MS = 50;
/** How often a worker looks again where it found no company. */
const LOOK_MS = 250;

export interface CompanySettings {
  /** Jobs beside the main one; none at 0. */
  seats: number;
  /** Longest edge of the results of jobs that are painted at once, in pixels; 0: none are. */
  largestSize: () => number;
}

export interface CompanyTools {
  redis: Redis;
  keys: QueueKeys;
  /** BullMQ's worker, which takes the main job by its own loop. */
  worker: Worker;
  lockMs: number;
  capacity: () => Capacity;
  /** Works at a job, and gives whether it waits again. */
  work: (id: string) => Promise<boolean>;
  /** Called when BullMQ has forgotten a job. */
  onForgotten: (id: string) => void;
  onError: (error: Error) => void;
  /** Aborted when nothing more is to be taken. */
  stopped: AbortSignal;
}

/**
 * Jobs that a worker takes beside its main one, while both are small. They are taken from the queue's head alone, so that
 * no job passes another: where the first that the worker could take is a large one, it is the next main job.
 */
export class Company {
  private readonly seats = new Set<Promise<void>>();
  /** The search for company, beside a main job. */
  private search: Promise<void> | null = null;

  constructor(
    private readonly settings: CompanySettings,
    private readonly tools: CompanyTools,
  ) {}

  /** Whether a job may be painted beside others. */
  admits(demand: Demand): boolean {
    return this.settings.seats > 0 && isCompany(demand, this.settings.largestSize());
  }

  /** Whether company is taken at present. */
  get isOpen(): boolean {
    return this.search !== null;
  }

  get isPresent(): boolean {
    return this.seats.size > 0;
  }

  /** Works at the main job, and takes company until that is done; what was taken goes on. */
  async beside<T>(work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    this.search = this.fill(AbortSignal.any([over.signal, this.tools.stopped]));
    try {
      return await work();
    } finally {
      over.abort();
      await this.search;
      this.search = null;
    }
  }

  /** Resolves when all that was taken is done. */
  async gone(): Promise<void> {
    await this.search;
    await Promise.all(this.seats);
  }

  private async fill(over: AbortSignal): Promise<void> {
    const ended = new Promise((resolve) => over.addEventListener("abort", resolve, { once: true }));
    let found = true; // there may be more like the main job
    while (!over.aborted) {
      if (this.isFull) await Promise.race([ended, ...this.seats]);
      const pause = found ? YIELD_MS * (1 + this.seats.size) : LOOK_MS;
      await sleep(pause, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      found = await this.take().catch((error: Error) => {
        this.tools.onError(error);
        return false;
      });
    }
  }

  private get isFull(): boolean {
    return this.seats.size >= this.settings.seats;
  }

  /** Takes the next job where it may be painted beside others. Gives whether it did. */
  private async take(): Promise<boolean> {
    const { redis, keys, worker, capacity } = this.tools;
    const largestSize = this.settings.largestSize();
    if (this.isFull || largestSize === 0 || worker.isPaused()) return false;
    if (!(await bringForward(redis, keys, capacity(), largestSize))) return false;
    const token = randomUUID();
    const job = await worker.getNextJob(token, { block: false });
    if (!job?.id) return false;
    const demand = await demandOf(redis, keys, job.id);
    if (demand && !this.admits(demand)) {
      // Another worker was faster, and this is the one behind.
      await job.moveToWait(token);
      return false;
    }
    const seat = this.sit(job, job.id, token)
      .catch(this.tools.onError)
      .finally(() => this.seats.delete(seat));
    this.seats.add(seat);
    return true;
  }

  /** What BullMQ's own loop does for the main job. Where this fails, the lock runs out and the job waits again. */
  private async sit(job: Job, id: string, token: string): Promise<void> {
    const { lockMs, work, onForgotten } = this.tools;
    const renewal = setInterval(() => job.extendLock(token, lockMs).catch(() => undefined), lockMs / 2);
    try {
      if (await work(id)) await job.moveToWait(token);
      else {
        await job.moveToCompleted(undefined, token, false);
        onForgotten(id);
      }
    } finally {
      clearInterval(renewal);
    }
  }
}
