import { randomUUID } from "node:crypto";
import { until } from "../../support/until.ts";
import { pickOne } from "../random.ts";

/** No connection of a client outlives its request: it would count as the server's handle. */
const ONE_SHOT = { connection: "close" };
const TIMEOUT_MS = 20_000;
const SUBMIT_TIMEOUT_MS = 300_000;

interface ApiRequest {
  method?: string;
  body?: FormData | object;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

export class ApiResponse {
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

/** The API as clients see it: one of its processes, which may die at any moment. */
export class Api {
  constructor(
    private readonly ports: number[],
    private readonly apiKey: string,
  ) {}

  /** The whole response, or null if none came. */
  async ask(path: string, request: ApiRequest = {}): Promise<ApiResponse | null> {
    const { method = "GET", body, headers = {}, timeoutMs = TIMEOUT_MS } = request;
    const isForm = body instanceof FormData;
    try {
      const response = await fetch(`http://127.0.0.1:${pickOne(this.ports)}${path}`, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          ...ONE_SHOT,
          authorization: `Bearer ${this.apiKey}`,
          ...headers,
          ...(body && !isForm && { "content-type": "application/json" }),
        },
        ...(body && { body: isForm ? body : JSON.stringify(body) }),
      });
      return new ApiResponse(response.status, Buffer.from(await response.arrayBuffer()));
    } catch {
      return null;
    }
  }

  /** Sends a request once. Null if no response came or it says to retry; throws if its status and code are unexpected. */
  async tryOnce(
    path: string,
    request: ApiRequest,
    expected: (number | string)[],
  ): Promise<ApiResponse | null> {
    const answer = await this.ask(path, request);
    if (!answer || [429, 503].includes(answer.status)) return null;
    if (expected.includes(answer.status) || expected.includes(answer.code ?? "")) return answer;
    throw new Error(`${request.method ?? "GET"} ${path} was answered with ${answer.status}: ${answer.body}`);
  }

  /**
   * Submits with one idempotency key until the API accepts, as a client does that must not pay twice. Null if the API
   * rejects with the code `rejection`.
   */
  async submit<View>(path: string, body: () => FormData | object, rejection = "none"): Promise<View | null> {
    const headers = { "idempotency-key": randomUUID() };
    // 200: it was accepted before, by a process that died before it could say so, and has ended since.
    const accepted = [200, 202];
    const expected = [...accepted, "request_in_flight", rejection];
    const response = await until(async () => {
      const received = await this.tryOnce(path, { method: "POST", body: body(), headers }, expected);
      return received?.code !== "request_in_flight" && received;
    }, SUBMIT_TIMEOUT_MS);
    return accepted.includes(response.status) ? response.json<View>() : null;
  }
}
