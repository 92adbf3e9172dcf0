import type { components } from "./schema.ts";

export type Problem = components["schemas"]["Problem"];

/** What the service refused, and why: RFC 9457. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** null where the answer came from something before the service, which does not speak its contract. */
  readonly problem: Problem | null;
  /** Seconds after which to try again, where the service said so. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : null;
    const what = problem ? `${problem.title}. ${problem.detail}` : response.statusText;
    super(`The service answered ${response.status}: ${what}`);
    this.status = response.status;
    this.problem = problem;
    this.retryAfter = secondsOf(response.headers.get("retry-after"));
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

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws a `ProblemError` where the service refused. */
export async function unwrap<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new ProblemError(response, error);
  return data as Data;
}
