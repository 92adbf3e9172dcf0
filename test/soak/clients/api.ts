import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { anyOf } from "../chance.ts";

/** No connection of a client outlives its request: it would count as the server's handle. */
const ONE_SHOT = { connection: "close" };
const PATIENCE_MS = 20_000;
const PAUSE_MS = 200;

export interface Question {
  method?: string;
  body?: FormData | object;
  headers?: Record<string, string>;
  patienceMs?: number;
}

export class Answer {
  constructor(
    readonly status: number,
    readonly body: Buffer,
  ) {}

  json<T>(): T {
    return JSON.parse(this.body.toString()) as T;
  }

  /** Of a problem; otherwise undefined. */
  get code(): string | undefined {
    return this.status < 400 ? undefined : this.json<{ code: string }>().code;
  }
}

/** The API as its clients have it: some process of it, which may be gone at any moment. */
export class Api {
  constructor(private readonly ports: number[]) {}

  /** A whole answer, or null where none came. */
  async ask(path: string, question: Question = {}): Promise<Answer | null> {
    const { method = "GET", body, headers = {}, patienceMs = PATIENCE_MS } = question;
    const isForm = body instanceof FormData;
    try {
      const response = await fetch(`http://127.0.0.1:${anyOf(this.ports)}${path}`, {
        method,
        signal: AbortSignal.timeout(patienceMs),
        headers: { ...ONE_SHOT, ...headers, ...(body && !isForm && { "content-type": "application/json" }) },
        ...(body && { body: isForm ? body : JSON.stringify(body) }),
      });
      return new Answer(response.status, Buffer.from(await response.arrayBuffer()));
    } catch {
      return null;
    }
  }

  /** Asks once. Null where no answer came, or one that says to come again; throws where it is none of the expected. */
  async tryOnce(path: string, question: Question, expected: (number | string)[]): Promise<Answer | null> {
    const answer = await this.ask(path, question);
    if (!answer || [429, 503].includes(answer.status)) return null;
    if (expected.includes(answer.status) || expected.includes(answer.code ?? "")) return answer;
    throw new Error(`${question.method ?? "GET"} ${path} was answered with ${answer.status}: ${answer.body}`);
  }

  /**
   * Submits until it is accepted, as a client does that must not pay twice: always with the same key. Null where it is
   * refused with the code `refusal`.
   */
  async submit<View>(path: string, body: () => FormData | object, refusal = "none"): Promise<View | null> {
    const headers = { "idempotency-key": randomUUID() };
    // 200: it was accepted before, by a process that died before it could say so, and has ended since.
    const accepted = [200, 202];
    const expected = [...accepted, "request_in_flight", refusal];
    for (;;) {
      const answer = await this.tryOnce(path, { method: "POST", body: body(), headers }, expected);
      if (answer && accepted.includes(answer.status)) return answer.json<View>();
      if (answer?.code === refusal) return null;
      await sleep(PAUSE_MS);
    }
  }
}
