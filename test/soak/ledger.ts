import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import { deleteOrphans } from "../../src/maintenance/orphans.ts";
import type { TestDeployment } from "../support/harness/deployment.ts";
import { isAlive } from "../support/processes.ts";
import type { MoodyReceiver } from "./moody-receiver.ts";
import type { Promised } from "./promised.ts";

/** What must not be: each of these is to be 0. */
export interface Debts {
  /** Accepted jobs that are gone, have not ended, or have ended without what belongs to their end. */
  lost: number;
  /** Jobs that nobody was told of, and second results. */
  duplicated: number;
  /** Batches that do not show their jobs, or whose zip has not the pictures of those that succeeded. */
  brokenBatches: number;
  /** Jobs that do not have the weight that a client was told they have. */
  unsteered: number;
  /** Jobs whose webhook was not told how they ended. */
  untold: number;
  /** Messages to webhooks that were not signed, and jobs in such messages that nobody was told of. */
  strange: number;
  /** Blobs that no job needs, after the sweep that is there to find them. */
  orphans: number;
  /** Processes that outlived the one that had started them, and handles that one which lived all the time kept. */
  leaks: number;
}

/** What became of everything. */
export interface Ledger {
  accepted: number;
  succeeded: number;
  failed: number;
  canceled: number;
  debts: Debts;
  /** Failed jobs by the reason that they carry; one without a reason counts as lost. */
  reasons: Record<string, number>;
  /** How many of the accepted were in a batch, went on from another, were steered and known to be so, had a webhook. */
  kinds: { batched: number; continued: number; steered: number; webhooks: number };
  /** Messages that the webhooks' receiver got. */
  messages: number;
  /** What the sweep for orphans found: left by processes that were killed. */
  swept: number;
}

/** What was seen while the service ran. */
interface Seen {
  processes: ReadonlySet<number>;
  /** How many more handles there were than at the beginning. */
  handles: number;
  brokenBatches: number;
}

/** Reads Redis, the store and the process table when all is over and every program was stopped. */
export async function closeLedger(
  deployment: TestDeployment,
  { jobs: accepted, webhooks, weights }: Promised,
  { told, calls, unsigned }: MoodyReceiver,
  { processes, handles, brokenBatches }: Seen,
): Promise<Ledger> {
  const records = await allJobs(deployment);
  const found = new Map(records.map((record) => [record.id, record]));
  const kept = [...accepted].map((id) => found.get(id)).filter((one) => one !== undefined);
  const whole = await Promise.all(kept.map((record) => isWhole(deployment, record)));
  const reasons: Record<string, number> = {};
  for (const { error } of records) if (error) reasons[error.code] = (reasons[error.code] ?? 0) + 1;
  const count = (is: (record: JobRecord) => boolean) => kept.filter(is).length;
  const swept = await deleteOrphans(deployment.queue.records, deployment.store, 0);
  const alive = await Promise.all([...processes].map(isAlive));
  return {
    accepted: accepted.size,
    succeeded: count(({ status }) => status === "succeeded"),
    failed: count(({ status }) => status === "failed"),
    canceled: count(({ status }) => status === "canceled"),
    debts: {
      lost: accepted.size - whole.filter(Boolean).length,
      duplicated: records.filter(({ id }) => !accepted.has(id)).length + (await secondResults(deployment)),
      brokenBatches,
      unsteered: [...weights].filter(([id, weight]) => found.get(id)?.options.style_weight !== weight).length,
      untold: [...webhooks].filter((id) => !isTold(found.get(id) ?? null, told)).length,
      strange: unsigned + [...told.keys()].filter((id) => !accepted.has(id)).length,
      orphans: await deleteOrphans(deployment.queue.records, deployment.store, 0),
      leaks: alive.filter(Boolean).length + handles,
    },
    reasons,
    kinds: {
      batched: count(({ batch }) => batch !== null),
      continued: count(({ continued_from }) => continued_from !== null),
      steered: weights.size,
      webhooks: webhooks.size,
    },
    messages: calls,
    swept,
  };
}

/** Whether everything accepted has come to an end, and nothing is owed. */
export function isBalanced({ accepted, succeeded, failed, canceled, debts }: Ledger): boolean {
  return accepted === succeeded + failed + canceled && Object.values(debts).every((debt) => debt === 0);
}

/** Whether the job's end was told to its webhook. */
export function isTold(record: JobRecord | null, told: MoodyReceiver["told"]): boolean {
  return record !== null && (told.get(record.id)?.has(`job.${record.status}`) ?? false);
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

async function isWhole({ store }: TestDeployment, { status, result, error }: JobRecord): Promise<boolean> {
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
