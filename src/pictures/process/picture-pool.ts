import type { TaskMessage, Tasks, TaskType } from "./messages.ts";
import { PictureProcess } from "./picture-process.ts";

/** A process of a pool: the memory that it may have, and the pictures that it takes. */
export interface SlotSettings {
  memoryBytes: number;
  /** The slot is kept for tasks with at most so many pixels. */
  maxPixels?: number;
}

export interface TaskContext {
  /** Owners are served in turn. */
  owner: string;
  /** What the picture's header says; 0 if the task stops at what any slot can do. */
  pixels: number;
  /** A task without an answer after this time is killed, and rejects with a `TimeoutError`. */
  seconds?: number;
  /** A task that nobody waits for any more is killed, and its place is free. */
  signal?: AbortSignal;
}

interface Slot {
  process: PictureProcess;
  maxPixels: number;
  isBusy: boolean;
}

interface Waiting {
  pixels: number;
  run: (process: PictureProcess) => Promise<void>;
}

/** Processes for strangers' pictures: as many tasks at once as there are slots, owners in turn. */
export class PicturePool {
  /** How many tasks of each type have started. */
  readonly started: Record<TaskType, number> = { inspect: 0, convert: 0, join: 0 };
  private readonly slots: Slot[];
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(slots: readonly SlotSettings[]) {
    this.slots = slots
      .map(({ memoryBytes, maxPixels = Number.POSITIVE_INFINITY }) => {
        return { process: new PictureProcess(memoryBytes), maxPixels, isBusy: false };
      })
      .sort((a, b) => a.maxPixels - b.maxPixels);
  }

  /** How many tasks run. */
  get running(): number {
    return this.slots.filter(({ isBusy }) => isBusy).length;
  }

  /** The most memory that a task can have. */
  get memoryBytes(): number {
    return Math.max(...this.slots.map(({ process }) => process.memoryBytes));
  }

  /** Runs a task when a slot is free. Rejects as `PictureProcess.run` does. */
  run<Type extends TaskType>(
    type: Type,
    input: Tasks[Type]["input"],
    { owner, pixels, seconds, signal }: TaskContext,
  ): Promise<Tasks[Type]["output"]> {
    return new Promise((resolve, reject) => {
      const run = async (process: PictureProcess) => {
        this.started[type] += 1;
        const ends = [signal, seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000)];
        const either = AbortSignal.any(ends.filter((one) => one !== undefined));
        const output = process.run({ type, input } as TaskMessage, either);
        await output.then((value) => resolve(value as Tasks[Type]["output"]), reject);
      };
      if (signal?.aborted) return reject(signal.reason);
      const entry: Waiting = { pixels, run };
      signal?.addEventListener("abort", () => {
        if (this.remove(owner, entry)) reject(signal.reason);
      });
      this.waiting.set(owner, [...(this.waiting.get(owner) ?? []), entry]);
      this.startTasks();
    });
  }

  /** Kills the processes; their tasks reject. */
  close(): void {
    this.waiting.clear();
    for (const { process } of this.slots) process.stop();
  }

  private startTasks(): void {
    for (const slot of this.slots) {
      const next = slot.isBusy ? null : this.takeNext(slot);
      if (!next) continue;
      slot.isBusy = true;
      void next.run(slot.process).finally(() => {
        slot.isBusy = false;
        this.startTasks();
      });
    }
  }

  /** The next task that fits the slot, of the owner who was served longest ago. */
  private takeNext({ maxPixels }: Slot): Waiting | null {
    for (const [owner, entries] of this.waiting) {
      const next = entries.find(({ pixels }) => pixels <= maxPixels);
      if (!next || !this.remove(owner, next)) continue;
      const rest = this.waiting.get(owner);
      // A Map keeps the order of insertion: this owner is last now.
      this.waiting.delete(owner);
      if (rest) this.waiting.set(owner, rest);
      return next;
    }
    return null;
  }

  private remove(owner: string, entry: Waiting): boolean {
    const entries = this.waiting.get(owner) ?? [];
    const rest = entries.filter((one) => one !== entry);
    if (rest.length === 0) this.waiting.delete(owner);
    else this.waiting.set(owner, rest);
    return rest.length < entries.length;
  }
}
