import type { components } from "./schema.ts";

export type Problem = components["schemas"]["Problem"];

/** An error response of the service (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** null if the response is not from the service, for example from a proxy. */
  readonly problem: Problem | null;
  /** The response's `Retry-After`, in seconds. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : null;
    const reason = problem ? `${problem.title}. ${problem.detail}` : response.statusText;
    super(`The service answered ${response.status}: ${reason}`);
    this.status = response.status;
    this.problem = problem;
    this.retryAfter = parseSeconds(response.headers.get("retry-after"));
  }

  get code(): Problem["code"] | null {
    return this.problem?.code ?? null;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.problem?.retryable ?? (this.status === 429 || this.status >= 500);
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "title" in body && "detail" in body;
}

/** A proxy may send a date instead of seconds (RFC 9110, section 10.2.3). */
function parseSeconds(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

interface ApiResponse<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** Returns the response's data. Throws a `ProblemError` if the service answered with an error. */
export async function unwrap<Data>(call: Promise<ApiResponse<Data>>): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(response, error);
  return data as Data;
}
