import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { type Received, Receiver } from "../support/harness/webhook-receiver.ts";
import { anyOf, upTo } from "./chance.ts";

const SLOWEST_MS = 3_000;
const DOWN_MS = 2_000;
/**
 * A message is sent again after 5 s, then 30 s, then 5 minutes, for which no soak should have to wait: so it is refused once
 * at most, and meets a receiver that is down once at most.
 */
const DOWN_AGAIN_MS = 60_000;

/** Somebody's server for webhooks, which now and then is slow, fails, or is not there. */
export class MoodyReceiver {
  /** By job: the events that it was told of by a valid message. */
  readonly told = new Map<string, Set<string>>();
  /** Messages in all. */
  calls = 0;
  /** Those whose signature was not valid. */
  unsigned = 0;
  private readonly known = new Set<string>();
  private mood: "well" | "slow" | "refusing" = "well";

  private constructor(
    private server: Receiver,
    private readonly secret: string,
  ) {
    server.answer = (message) => this.take(message);
  }

  /** @param secret what messages are to be signed with */
  static async start(secret: string): Promise<MoodyReceiver> {
    return new MoodyReceiver(await Receiver.start(), secret);
  }

  get url(): string {
    return this.server.url;
  }

  /** Changes its mood at each pause until it is over, and is well then. */
  async changeMoods(pauseMs: number, over: AbortSignal): Promise<void> {
    for (let wasDown = Number.NEGATIVE_INFINITY; !over.aborted; ) {
      await sleep(pauseMs, undefined, { signal: over }).catch(() => undefined);
      if (performance.now() - wasDown < DOWN_AGAIN_MS) {
        this.mood = anyOf(["well", "slow", "refusing"] as const) ?? "well";
      } else {
        await this.beDown();
        wasDown = performance.now();
      }
    }
    this.mood = "well";
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private async beDown(): Promise<void> {
    const { port, answer } = this.server;
    await this.server.stop();
    await sleep(DOWN_MS);
    this.server = await Receiver.start(port);
    this.server.answer = answer;
  }

  private async take({ headers, body }: Received): Promise<number> {
    this.calls += 1;
    try {
      const given = headers as Record<string, string>;
      const { type, data } = new Webhook(this.secret).verify(body, given) as Event;
      this.told.set(data.id, (this.told.get(data.id) ?? new Set<string>()).add(type));
    } catch {
      this.unsigned += 1;
      return 400;
    }
    const id = String(headers["webhook-id"]);
    const isNew = !this.known.has(id);
    this.known.add(id);
    if (this.mood === "slow") await sleep(upTo(SLOWEST_MS));
    return this.mood === "refusing" && isNew ? 500 : 204;
  }
}

interface Event {
  type: string;
  data: { id: string };
}
