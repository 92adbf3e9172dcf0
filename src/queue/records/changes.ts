import type { Redis } from "ioredis";
import type { JobChange } from "../job-queue.ts";
import type { QueueKeys } from "../keys.ts";

type Listener = (change: JobChange) => void;

/** Tells of changes to jobs as they happen, over one connection of its own. A message may be lost in an outage. */
export class JobChanges {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    private readonly subscriber: Redis,
    private readonly keys: QueueKeys,
  ) {
    subscriber.on("message", (channel: string, text: string) => {
      const change = JSON.parse(text) as JobChange;
      for (const listener of this.listeners.get(channel) ?? []) listener(change);
    });
  }

  /** Calls back at every change of the job until the returned function is called. */
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
      // Also where others listen already: only the answer says that the subscription stands.
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
