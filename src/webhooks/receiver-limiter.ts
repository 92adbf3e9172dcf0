/** Requests that one process has open at once for one owner, and for one owner to one host. */
const OPEN_PER_OWNER = 8;
const OPEN_PER_HOST = 4;
/** Assumed before a request has ended. */
const SHORTEST_MS = 50;
const LONGEST_DELAY_MS = 60_000;

/** The requests of one owner, or of one owner to one host. */
interface Receiver {
  limit: number;
  /** When each open request started, the earliest first. */
  startedAt: Set<{ time: number }>;
  /** How long the latest request took. */
  lastMs: number;
  /** When the next request that has to wait may expect its turn. */
  nextTurnAt: number;
}

/**
 * Limits the requests that are open at once, so that receivers which do not answer hold up nobody else's messages. Nothing waits
 * inside: a message that has no turn is told when to come back, one after the other at the pace of its receiver.
 */
export class ReceiverLimiter {
  private readonly receivers = new Map<string, Receiver>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Returns a function that ends the request; or, if the limit is reached, the ms after which to try again. */
  acquire(owner: string, host: string): (() => void) | number {
    const names = [owner, `${owner} ${host}`] as const;
    const receivers = [this.receiver(names[0], OPEN_PER_OWNER), this.receiver(names[1], OPEN_PER_HOST)];
    const full = receivers.filter(({ startedAt, limit }) => startedAt.size >= limit);
    if (full.length > 0) return Math.max(...full.map((receiver) => this.reserveTurn(receiver)));
    const request = { time: this.now() };
    for (const { startedAt } of receivers) startedAt.add(request);
    return () => {
      for (const receiver of receivers) {
        receiver.startedAt.delete(request);
        receiver.lastMs = this.now() - request.time;
      }
      for (const name of names) this.forgetIfIdle(name);
    };
  }

  private receiver(name: string, limit: number): Receiver {
    const known = this.receivers.get(name);
    if (known) return known;
    const receiver = { limit, startedAt: new Set<{ time: number }>(), lastMs: 0, nextTurnAt: 0 };
    this.receivers.set(name, receiver);
    return receiver;
  }

  private reserveTurn(receiver: Receiver): number {
    const now = this.now();
    const [oldest] = receiver.startedAt;
    const expectedMs = Math.max(SHORTEST_MS, receiver.lastMs, now - (oldest?.time ?? now));
    receiver.nextTurnAt = Math.max(now, receiver.nextTurnAt) + expectedMs / receiver.limit;
    return Math.min(LONGEST_DELAY_MS, receiver.nextTurnAt - now);
  }

  private forgetIfIdle(name: string): void {
    const receiver = this.receivers.get(name);
    if (receiver?.startedAt.size === 0 && receiver.nextTurnAt <= this.now()) this.receivers.delete(name);
  }
}
