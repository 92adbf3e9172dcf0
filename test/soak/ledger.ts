import { deleteOrphans } from "../../src/housekeeping/orphans.ts";
import type { JobRecord } from "../../src/queue/records/job-record.ts";
import { isFinal } from "../../src/queue/records/job-states.ts";
import { isAlive } from "../support/processes.ts";
import type { WorkerSetting } from "../support/worker-setting.ts";

/** What became of everything. The last four must be 0. */
export interface Ledger {
  accepted: number;
  succeeded: number;
  failed: number;
  canceled: number;
  /** Failed jobs by the reason that they carry; one without a reason counts as lost. */
  reasons: Record<string, number>;
  /** Accepted jobs that are gone, have not ended, or have ended without what belongs to their end. */
  lost: number;
  /** Jobs that nobody was told of, and second results. */
  duplicated: number;
  /** Blobs that no job needs, after the sweep that is there to find them. */
  orphans: number;
  /** What that sweep found: left by processes that were killed. */
  swept: number;
  /** Processes that outlived the one that had started them, and handles that one which lived all the time kept. */
  leaks: number;
}

/** Reads Redis, the store and the process table when all is over and every program was stopped. */
export async function closeLedger(
  setting: WorkerSetting,
  accepted: ReadonlySet<string>,
  processes: ReadonlySet<number>,
  handles: number,
): Promise<Ledger> {
  const records = await allJobs(setting);
  const found = new Map(records.map((record) => [record.id, record]));
  const ended = [...accepted].map((id) => found.get(id)).filter((one) => one !== undefined);
  const whole = await Promise.all(ended.map((record) => isWhole(setting, record)));
  const reasons: Record<string, number> = {};
  for (const { error } of records) if (error) reasons[error.code] = (reasons[error.code] ?? 0) + 1;
  const count = (status: JobRecord["status"]) => ended.filter((record) => record.status === status).length;
  const ages = { uploadMs: 0, leftoverMs: 0 };
  const swept = await deleteOrphans(setting.queue, setting.store, ages);
  const alive = await Promise.all([...processes].map(isAlive));
  return {
    accepted: accepted.size,
    ...{ succeeded: count("succeeded"), failed: count("failed"), canceled: count("canceled"), reasons },
    lost: accepted.size - whole.filter(Boolean).length,
    duplicated: records.filter(({ id }) => !accepted.has(id)).length + (await secondResults(setting)),
    orphans: await deleteOrphans(setting.queue, setting.store, ages),
    swept,
    leaks: alive.filter(Boolean).length + handles,
  };
}

async function allJobs({ queue }: WorkerSetting): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for (;;) {
    const last = records.at(-1);
    const page = await queue.list({ limit: 200, ...(last && { before: last.id }) });
    if (page.length === 0) return records;
    records.push(...page);
  }
}

async function isWhole({ store }: WorkerSetting, { status, result, error }: JobRecord): Promise<boolean> {
  if (!isFinal(status)) return false;
  if (status === "failed") return error !== null;
  return status === "canceled" || (result !== null && (await store.stat(result.key)) !== null);
}

async function secondResults({ store }: WorkerSetting): Promise<number> {
  const jobs = new Map<string, number>();
  for await (const { key } of store.list("jobs/")) {
    const [, id = "", , name] = key.split("/");
    if (name === "result") jobs.set(id, (jobs.get(id) ?? 0) + 1);
  }
  return [...jobs.values()].filter((count) => count > 1).length;
}
