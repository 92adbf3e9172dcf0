import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import { deleteOrphans } from "../../src/maintenance/orphans.ts";
import type { TestDeployment } from "../support/harness/deployment.ts";
import { isAlive } from "../support/process-tree.ts";
import type { Expected } from "./expected.ts";
import type { FlakyReceiver } from "./flaky-receiver.ts";

/** Broken promises by kind. A clean soak has none. */
interface Violations {
  /** Accepted jobs that are gone, did not end, or ended without a result or an error. */
  lost: number;
  /** Jobs that no client was told of, and second results of a job. */
  duplicated: number;
  /** Batches that do not list their jobs, or whose zip lacks a picture. */
  incompleteBatches: number;
  /** Jobs without the style weight that the API confirmed to a client. */
  lostUpdates: number;
  /** Jobs whose last event did not reach their webhook. */
  undelivered: number;
  /** Webhook messages without a valid signature, or about jobs that no client knows. */
  unexpectedMessages: number;
  /** Blobs that no job needs and that the sweep for orphans left. */
  orphans: number;
  /** Processes that outlived their parent, and handles that a long-lived process did not close. */
  leaks: number;
}

/** What a soak did, and what it found. */
export interface SoakReport {
  accepted: number;
  succeeded: number;
  failed: number;
  canceled: number;
  violations: Violations;
  /** Failed jobs by error code. */
  reasons: Record<string, number>;
  /** Accepted jobs of a batch, continuations, jobs with confirmed updates, and jobs with a webhook. */
  kinds: { batched: number; continued: number; updated: number; webhooks: number };
  /** Messages that the receiver of webhooks got. */
  messages: number;
  /** Orphans that the sweep deleted; killed processes leave them. */
  swept: number;
}

/** What was observed while the service ran. */
interface Observations {
  processes: ReadonlySet<number>;
  /** How many more handles were open at the end than at the beginning. */
  handles: number;
  incompleteBatches: number;
}

/** Reads Redis, the store and the process table after every program has stopped. */
export async function createReport(
  deployment: TestDeployment,
  { jobs: accepted, webhooks, weights }: Expected,
  { delivered, calls, unsigned }: FlakyReceiver,
  { processes, handles, incompleteBatches }: Observations,
): Promise<SoakReport> {
  const records = await allJobs(deployment);
  const found = new Map(records.map((record) => [record.id, record]));
  const kept = [...accepted].map((id) => found.get(id)).filter((one) => one !== undefined);
  const whole = await Promise.all(kept.map((record) => isComplete(deployment, record)));
  const reasons: Record<string, number> = {};
  for (const { error } of records) if (error) reasons[error.code] = (reasons[error.code] ?? 0) + 1;
  const count = (is: (record: JobRecord) => boolean) => kept.filter(is).length;
  const swept = await deleteOrphans(deployment.queue, deployment.store, 0);
  const alive = await Promise.all([...processes].map(isAlive));
  return {
    accepted: accepted.size,
    succeeded: count(({ status }) => status === "succeeded"),
    failed: count(({ status }) => status === "failed"),
    canceled: count(({ status }) => status === "canceled"),
    violations: {
      lost: accepted.size - whole.filter(Boolean).length,
      duplicated: records.filter(({ id }) => !accepted.has(id)).length + (await secondResults(deployment)),
      incompleteBatches,
      lostUpdates: [...weights].filter(([id, weight]) => found.get(id)?.options.style_weight !== weight)
        .length,
      undelivered: [...webhooks].filter((id) => !isDelivered(found.get(id) ?? null, delivered)).length,
      unexpectedMessages: unsigned + [...delivered.keys()].filter((id) => !accepted.has(id)).length,
      orphans: await deleteOrphans(deployment.queue, deployment.store, 0),
      leaks: alive.filter(Boolean).length + handles,
    },
    reasons,
    kinds: {
      batched: count(({ batch }) => batch !== null),
      continued: count(({ continued_from }) => continued_from !== null),
      updated: weights.size,
      webhooks: webhooks.size,
    },
    messages: calls,
    swept,
  };
}

/** Whether every accepted job has ended and no promise was broken. */
export function isClean({ accepted, succeeded, failed, canceled, violations }: SoakReport): boolean {
  const hasEnded = accepted === succeeded + failed + canceled;
  return hasEnded && Object.values(violations).every((count) => count === 0);
}

/** Whether the job's last event reached its webhook. */
export function isDelivered(record: JobRecord | null, delivered: FlakyReceiver["delivered"]): boolean {
  return record !== null && (delivered.get(record.id)?.has(`job.${record.status}`) ?? false);
}

async function allJobs({ queue }: TestDeployment): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for (;;) {
    const last = records.at(-1);
    const page = await queue.list({ limit: 200, ...(last && { before: last.id }) });
    if (page.length === 0) return records;
    records.push(...page);
  }
}

async function isComplete({ store }: TestDeployment, { status, result, error }: JobRecord): Promise<boolean> {
  if (!isFinal(status)) return false;
  if (status === "failed") return error !== null;
  return status === "canceled" || (result !== null && (await store.stat(result.key)) !== null);
}

async function secondResults({ store }: TestDeployment): Promise<number> {
  const jobs = new Map<string, number>();
  for await (const { key } of store.list("jobs/")) {
    const [, id = "", , name] = key.split("/");
    if (name === "result") jobs.set(id, (jobs.get(id) ?? 0) + 1);
  }
  return [...jobs.values()].filter((count) => count > 1).length;
}
