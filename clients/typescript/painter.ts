import { type ApiClient, type ClientSettings, createApiClient } from "./client.ts";
import { type EventSettings, type JobEvent, jobEvents } from "./events.ts";
import { followJob, type JobUpdate } from "./follow.ts";
import { pause } from "./pause.ts";
import { ProblemError, unwrap } from "./problem-error.ts";
import type { Continuation, Job, JobList, Losses, Presets, Steering, Submission } from "./types.ts";

export interface PainterSettings extends ClientSettings {
  /** An API key, where the service wants one. */
  key?: string | undefined;
}

export interface Cancelable {
  signal?: AbortSignal | undefined;
}

export interface WaitSettings extends EventSettings {
  /** Called with each state of the job, the last one included. */
  onUpdate?: (update: JobUpdate) => void;
}

export type PictureFormat = "png" | "jpeg" | "webp" | "avif";

/** The job ended, but without a picture. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";
  constructor(readonly job: Job) {
    super(`The job ${job.status}${job.error ? `: ${job.error.message} (${job.error.code})` : ""}`);
  }
}

const SUBMIT_ATTEMPTS = 4;

/**
 * The service's jobs: submit, follow, fetch. Works in Node and in browsers. Whatever the service refuses is thrown
 * as a `ProblemError`; an aborted `signal` throws its reason.
 */
export class Painter {
  /** Every call of the contract, for what has no method here. */
  readonly api: ApiClient;

  /** @param url of the service, for example `http://localhost:3000` */
  constructor(url: string, { key, headers, ...settings }: PainterSettings = {}) {
    const authorization = key ? { authorization: `Bearer ${key}` } : {};
    this.api = createApiClient(url, { ...settings, headers: { ...authorization, ...headers } });
  }

  /**
   * Submits a job. Lost answers and passing refusals are met with another try under the same idempotency key, so that the
   * job is accepted once.
   */
  submit(submission: Submission, { signal }: Cancelable = {}): Promise<Job> {
    return acceptedOnce(signal, (header) =>
      unwrap(this.api.POST("/v1/jobs", { params: { header }, body: submission, ...(signal && { signal }) })),
    );
  }

  /** Goes on from what a succeeded job painted, as a new job with its pictures; accepted once, as by `submit`. */
  continue(id: string, continuation: Continuation = {}, { signal }: Cancelable = {}): Promise<Job> {
    return acceptedOnce(signal, (header) =>
      unwrap(
        this.api.POST("/v1/jobs/{id}/continue", {
          params: { path: { id }, header },
          body: continuation,
          ...(signal && { signal }),
        }),
      ),
    );
  }

  /** Submits, waits, and fetches the picture. Throws a `JobFailedError` where there is none. */
  async paint(submission: Submission, settings: WaitSettings = {}): Promise<{ job: Job; picture: Blob }> {
    const job = await this.wait((await this.submit(submission, settings)).id, settings);
    if (job.status !== "succeeded") throw new JobFailedError(job);
    return { job, picture: await this.result(job.id, settings) };
  }

  /** Resolves with the job when it has ended, however it did. */
  async wait(id: string, { onUpdate, ...settings }: WaitSettings = {}): Promise<Job> {
    let job: Job | undefined;
    for await (const update of this.follow(id, settings)) {
      job = update.job;
      onUpdate?.(update);
    }
    return job ?? (await this.job(id, settings));
  }

  /** The job's states as they change, over lost connections, until it has ended. */
  follow(id: string, settings: EventSettings = {}): AsyncGenerator<JobUpdate> {
    return followJob(this.api, id, settings);
  }

  /** The events as the service sends them, over lost connections. */
  events(id: string, settings: EventSettings = {}): AsyncGenerator<JobEvent> {
    return jobEvents(this.api, id, settings);
  }

  job(id: string, { signal }: Cancelable = {}): Promise<Job> {
    return unwrap(this.api.GET("/v1/jobs/{id}", { ...at(id), ...(signal && { signal }) }));
  }

  /** A page of the jobs, newest first. */
  jobs(
    query: { status?: Job["status"]; limit?: number; cursor?: string } = {},
    { signal }: Cancelable = {},
  ): Promise<JobList> {
    return unwrap(this.api.GET("/v1/jobs", { params: { query }, ...(signal && { signal }) }));
  }

  cancel(id: string): Promise<Job> {
    return unwrap(this.api.POST("/v1/jobs/{id}/cancel", at(id)));
  }

  /** Changes weights of a job that waits or runs, from its next step on. */
  steer(id: string, changes: Steering): Promise<Job> {
    return unwrap(this.api.PATCH("/v1/jobs/{id}", { ...at(id), body: changes }));
  }

  /** Queues a failed or canceled job again. */
  retry(id: string): Promise<Job> {
    return unwrap(this.api.POST("/v1/jobs/{id}/retry", at(id)));
  }

  /** Forgets the job and its pictures. */
  async delete(id: string): Promise<void> {
    await unwrap(this.api.DELETE("/v1/jobs/{id}", at(id)));
  }

  presets({ signal }: Cancelable = {}): Promise<Presets> {
    return unwrap(this.api.GET("/v1/presets", signal ? { signal } : {}));
  }

  losses(id: string, { signal }: Cancelable = {}): Promise<Losses> {
    const accept = { headers: { accept: "application/json" } };
    return unwrap(
      this.api.GET("/v1/jobs/{id}/losses", { ...at(id), ...accept, ...(signal && { signal }) }),
    ) as Promise<Losses>;
  }

  /** The picture, in the format it was painted in or another. */
  result(id: string, { signal, format }: Cancelable & { format?: PictureFormat } = {}): Promise<Blob> {
    const params = { path: { id }, query: format ? { format } : {} };
    return unwrap(
      this.api.GET("/v1/jobs/{id}/result", { params, parseAs: "blob", ...(signal && { signal }) }),
    ) as Promise<Blob>;
  }

  /** What lies at one of a job's `links`, for example its preview. */
  async picture(path: string, { signal }: Cancelable = {}): Promise<Blob> {
    // openapi-fetch types only the paths that the contract names.
    const get = this.api.GET as (path: string, options: object) => ReturnType<ApiClient["GET"]>;
    return (await unwrap(get(path, { parseAs: "blob", ...(signal && { signal }) }))) as unknown as Blob;
  }
}

/** Asks again under the same idempotency key where the answer was lost or the refusal passes. */
async function acceptedOnce(
  signal: AbortSignal | undefined,
  ask: (header: { "idempotency-key": string }) => Promise<Job>,
): Promise<Job> {
  const header = { "idempotency-key": crypto.randomUUID() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(header);
    } catch (error) {
      signal?.throwIfAborted();
      const passing = error instanceof ProblemError ? error.retryable : true;
      if (!passing || attempt === SUBMIT_ATTEMPTS) throw error;
      const seconds = error instanceof ProblemError ? (error.retryAfter ?? attempt) : attempt;
      await pause(Math.min(seconds, 10) * 1000, signal);
    }
  }
}

const at = (id: string) => ({ params: { path: { id } } });
