import { type ApiClient, type ApiClientSettings, createApiClient } from "./api-client.ts";
import { delay } from "./delay.ts";
import { followJob, type JobUpdate } from "./follow-job.ts";
import { type EventSettings, type JobEvent, jobEvents } from "./job-events.ts";
import { ProblemError, unwrap } from "./problem-error.ts";
import type {
  CallSettings,
  Continuation,
  Job,
  JobList,
  Losses,
  OptionsUpdate,
  PictureFormat,
  Presets,
  Submission,
} from "./types.ts";

export interface NstClientSettings extends ApiClientSettings {
  /** Required unless the service allows anonymous access. */
  apiKey?: string | undefined;
}

export interface WaitSettings extends EventSettings {
  /** Called with the job now and after each change, including the last one. */
  onUpdate?: (update: JobUpdate) => void;
}

/** The job failed or was canceled, so it has no result. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";
  constructor(readonly job: Job) {
    super(`The job ${job.status}${job.error ? `: ${job.error.message} (${job.error.code})` : ""}`);
  }
}

const SUBMIT_ATTEMPTS = 4;

/**
 * Submits jobs, follows them and fetches their results. Works in Node and in browsers. Every method throws a
 * `ProblemError` if the service answers with an error, and the signal's reason if the signal is aborted.
 */
export class NstClient {
  /** All operations of the API, also those without a method here. */
  readonly api: ApiClient;

  /** @param url of the service, for example `http://localhost:3000` */
  constructor(url: string, { apiKey, headers, ...settings }: NstClientSettings = {}) {
    const authorization = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
    this.api = createApiClient(url, { ...settings, headers: { ...authorization, ...headers } });
  }

  /** Creates a job. Retries with one idempotency key, so that a lost response does not create a second job. */
  submit(submission: Submission, { signal }: CallSettings = {}): Promise<Job> {
    return withIdempotencyKey(signal, (header) =>
      unwrap(this.api.POST("/v1/jobs", { params: { header }, body: submission, ...(signal && { signal }) })),
    );
  }

  /** Creates a job that starts from a succeeded job's result. Retries as `submit` does. */
  continue(id: string, continuation: Continuation = {}, { signal }: CallSettings = {}): Promise<Job> {
    return withIdempotencyKey(signal, (header) =>
      unwrap(
        this.api.POST("/v1/jobs/{id}/continue", {
          params: { path: { id }, header },
          body: continuation,
          ...(signal && { signal }),
        }),
      ),
    );
  }

  /** Submits a job, waits for it and fetches its result. Throws a `JobFailedError` if the job does not succeed. */
  async paint(submission: Submission, settings: WaitSettings = {}): Promise<{ job: Job; picture: Blob }> {
    const job = await this.wait((await this.submit(submission, settings)).id, settings);
    if (job.status !== "succeeded") throw new JobFailedError(job);
    return { job, picture: await this.result(job.id, settings) };
  }

  /** Resolves with the job when it has succeeded, failed or been canceled. */
  async wait(id: string, { onUpdate, ...settings }: WaitSettings = {}): Promise<Job> {
    let job: Job | undefined;
    for await (const update of this.follow(id, settings)) {
      job = update.job;
      onUpdate?.(update);
    }
    return job ?? (await this.job(id, settings));
  }

  /** Yields the job now and after each change until it ends. Reconnects after a lost connection. */
  follow(id: string, settings: EventSettings = {}): AsyncGenerator<JobUpdate> {
    return followJob(this.api, id, settings);
  }

  /** Yields the job's events as the service sends them. Reconnects after a lost connection. */
  events(id: string, settings: EventSettings = {}): AsyncGenerator<JobEvent> {
    return jobEvents(this.api, id, settings);
  }

  job(id: string, { signal }: CallSettings = {}): Promise<Job> {
    return unwrap(this.api.GET("/v1/jobs/{id}", { ...jobPath(id), ...(signal && { signal }) }));
  }

  /** Fetches one page of jobs, newest first. */
  jobs(
    query: { status?: Job["status"]; limit?: number; cursor?: string } = {},
    { signal }: CallSettings = {},
  ): Promise<JobList> {
    return unwrap(this.api.GET("/v1/jobs", { params: { query }, ...(signal && { signal }) }));
  }

  cancel(id: string): Promise<Job> {
    return unwrap(this.api.POST("/v1/jobs/{id}/cancel", jobPath(id)));
  }

  /** Ends a running job after its current step, with what it has painted. */
  finish(id: string): Promise<Job> {
    return unwrap(this.api.POST("/v1/jobs/{id}/finish", jobPath(id)));
  }

  /** Changes options of a queued or running job, from its next step on. */
  updateOptions(id: string, changes: OptionsUpdate): Promise<Job> {
    return unwrap(this.api.PATCH("/v1/jobs/{id}", { ...jobPath(id), body: changes }));
  }

  /** Queues a failed or canceled job again. */
  retry(id: string): Promise<Job> {
    return unwrap(this.api.POST("/v1/jobs/{id}/retry", jobPath(id)));
  }

  /** Deletes the job and its pictures. */
  async delete(id: string): Promise<void> {
    await unwrap(this.api.DELETE("/v1/jobs/{id}", jobPath(id)));
  }

  presets({ signal }: CallSettings = {}): Promise<Presets> {
    return unwrap(this.api.GET("/v1/presets", signal ? { signal } : {}));
  }

  losses(id: string, { signal }: CallSettings = {}): Promise<Losses> {
    const accept = { headers: { accept: "application/json" } };
    return unwrap(
      this.api.GET("/v1/jobs/{id}/losses", { ...jobPath(id), ...accept, ...(signal && { signal }) }),
    ) as Promise<Losses>;
  }

  /** Fetches the result, converted to `format` if one is given. */
  result(id: string, { signal, format }: CallSettings & { format?: PictureFormat } = {}): Promise<Blob> {
    const params = { path: { id }, query: format ? { format } : {} };
    return unwrap(
      this.api.GET("/v1/jobs/{id}/result", { params, parseAs: "blob", ...(signal && { signal }) }),
    ) as Promise<Blob>;
  }

  /** Downloads the picture at one of a job's `links`, for example its preview. */
  async picture(path: string, { signal }: CallSettings = {}): Promise<Blob> {
    // openapi-fetch types only the paths that are in openapi.yaml.
    const get = this.api.GET as (path: string, options: object) => ReturnType<ApiClient["GET"]>;
    return (await unwrap(get(path, { parseAs: "blob", ...(signal && { signal }) }))) as unknown as Blob;
  }
}

/** Repeats the call with the same idempotency key after a lost response or a retryable error. */
async function withIdempotencyKey(
  signal: AbortSignal | undefined,
  call: (header: { "idempotency-key": string }) => Promise<Job>,
): Promise<Job> {
  const header = { "idempotency-key": crypto.randomUUID() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(header);
    } catch (error) {
      signal?.throwIfAborted();
      const retryable = error instanceof ProblemError ? error.retryable : true;
      if (!retryable || attempt === SUBMIT_ATTEMPTS) throw error;
      const seconds = error instanceof ProblemError ? (error.retryAfter ?? attempt) : attempt;
      await delay(Math.min(seconds, 10) * 1000, signal);
    }
  }
}

const jobPath = (id: string) => ({ params: { path: { id } } });
