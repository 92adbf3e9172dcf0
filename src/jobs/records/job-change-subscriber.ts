import type { Redis } from "ioredis";
import type { JobStatus } from "../../contract/job.ts";
import type { RedisKeys } from "../../redis/keys.ts";

/** A change to a job, as it is published to whoever watches the job. */
export interface JobChange {
  id: string;
  revision: number;
  status: JobStatus;
  options_version: number;
  finish_requested: boolean;
}

type Listener = (change: JobChange) => void;

/** Listens to changes of jobs over a connection of its own. Changes during an outage are missed. */
export class JobChangeSubscriber {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    private readonly subscriber: Redis,
    private readonly keys: RedisKeys,
  ) {
    subscriber.on("message", (channel: string, text: string) => {
      const change = JSON.parse(text) as JobChange;
      for (const listener of this.listeners.get(channel) ?? []) listener(change);
    });
  }

  /** Calls `listener` at every change of the job, until the returned function is called. */
  async watch(id: string, listener: Listener): Promise<() => Promise<void>> {
    const channel = this.keys.changes(id);
    const known = this.listeners.get(channel);
    if (known) known.add(listener);
    else this.listeners.set(channel, new Set([listener]));
    const stop = async () => {
      const listeners = this.listeners.get(channel);
      if (!listeners?.delete(listener) || listeners.size > 0) return;
      this.listeners.delete(channel);
      await this.subscriber.unsubscribe(channel).catch(() => undefined);
    };
    try {
      // Even if others listen already: only the reply proves that the subscription is active.
      await this.subscriber.subscribe(channel);
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  }

  close(): void {
    this.listeners.clear();
    this.subscriber.disconnect();
  }
}
