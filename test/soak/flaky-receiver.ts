import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { type Received, WebhookReceiver } from "../support/harness/webhook-receiver.ts";
import { pickOne, randomBelow } from "./random.ts";

const SLOWEST_MS = 3_000;
const DOWN_MS = 2_000;
/**
 * The service sends a message again after 5 s, 30 s and 5 minutes. A soak should not wait for the last: the receiver
 * rejects a message at most once, and is down at most once a minute.
 */
const DOWN_EVERY_MS = 60_000;

/** A receiver of webhooks that is sometimes slow, rejects messages, or is down. */
export class FlakyReceiver {
  /** By job: the events that came in a valid message. */
  readonly delivered = new Map<string, Set<string>>();
  /** Messages in all. */
  calls = 0;
  /** Those whose signature was not valid. */
  unsigned = 0;
  private readonly known = new Set<string>();
  private behavior: "healthy" | "slow" | "rejecting" = "healthy";

  private constructor(
    private server: WebhookReceiver,
    private readonly secret: string,
  ) {
    server.answer = (message) => this.take(message);
  }

  /** @param secret what messages are to be signed with */
  static async start(secret: string): Promise<FlakyReceiver> {
    return new FlakyReceiver(await WebhookReceiver.start(), secret);
  }

  get url(): string {
    return this.server.url;
  }

  /** Changes the behavior after each pause until the signal is aborted; then the receiver is healthy. */
  async changeBehavior(pauseMs: number, signal: AbortSignal): Promise<void> {
    for (let wasDown = Number.NEGATIVE_INFINITY; !signal.aborted; ) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (performance.now() - wasDown < DOWN_EVERY_MS) {
        this.behavior = pickOne(["healthy", "slow", "rejecting"] as const) ?? "healthy";
      } else {
        await this.goDown();
        wasDown = performance.now();
      }
    }
    this.behavior = "healthy";
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private async goDown(): Promise<void> {
    const { port, answer } = this.server;
    await this.server.stop();
    await sleep(DOWN_MS);
    this.server = await WebhookReceiver.start(port);
    this.server.answer = answer;
  }

  private async take({ headers, body }: Received): Promise<number> {
    this.calls += 1;
    try {
      const given = headers as Record<string, string>;
      const { type, data } = new Webhook(this.secret).verify(body, given) as Event;
      this.delivered.set(data.id, (this.delivered.get(data.id) ?? new Set<string>()).add(type));
    } catch {
      this.unsigned += 1;
      return 400;
    }
    const id = String(headers["webhook-id"]);
    const isNew = !this.known.has(id);
    this.known.add(id);
    if (this.behavior === "slow") await sleep(randomBelow(SLOWEST_MS));
    return this.behavior === "rejecting" && isNew ? 500 : 204;
  }
}

interface Event {
  type: string;
  data: { id: string };
}
