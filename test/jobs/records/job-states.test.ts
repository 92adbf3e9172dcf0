import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { JobStatus } from "../../../src/contract/job.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { TRANSITIONS, type Transition } from "../../../src/jobs/records/job-states.ts";
import type { RecordStore } from "../../../src/jobs/records/record-store.ts";
import { expireJob } from "../../../src/maintenance/expire-jobs.ts";
import { requeueLostJobs } from "../../../src/maintenance/requeue-lost.ts";
import { QueueHarness } from "../../support/harness/queue.ts";
import { submission } from "../../support/jobs.ts";

const JOBS = 2;
let harness: QueueHarness;
let { redis, queue, keys, records } = {} as QueueHarness;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ redis, queue, keys, records } = harness);
});
afterAll(() => harness.close());

/** What befalls a job. A run is one worker's attempt; an old one writes although another has taken over. */
const events = fc.record({
  job: fc.nat(JOBS - 1),
  kind: fc.constantFrom(
    ...(["submit", "start", "hand_back", "succeed", "fail", "cancel", "retry"] as const),
    ...(["stale", "update", "expire", "delete", "crash", "sweep"] as const),
  ),
});
type Event = typeof events extends fc.Arbitrary<infer T> ? T : never;

/** What a correct queue would hold: written against the table's words, not its code. */
interface Model {
  status: JobStatus;
  attempt_id: string | null;
  /** Whether it has a time at which it expires. */
  expires: boolean;
}

/** When everything that ever expires has expired. */
const HOUR = 3600;
const THE_END = Date.parse("9999-01-01T00:00:00Z");

const FINAL = new Set<JobStatus>(["succeeded", "failed", "canceled"]);

const LAWFUL = new Set(
  [
    "queued>running queued>failed queued>canceled running>running running>queued",
    "running>succeeded running>failed running>canceled failed>queued canceled>queued",
  ].flatMap((line) => line.split(" ")),
);

describe("The table of transitions", () => {
  it("allows these and no others", () => {
    const pairs = Object.values(TRANSITIONS).flatMap(({ from, to }) => from.map((one) => `${one}>${to}`));
    expect(new Set(pairs)).toEqual(LAWFUL);
  });

  it("holds whatever befalls jobs on the real queue", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 20, maxLength: 40, size: "max" }), async (sequence) => {
        await redis.flushall();
        const jobs = Array.from({ length: JOBS }, (_, index) =>
          // One of them is to expire, whether it has ended or not.
          submission(index === 0 ? { expires_in: (THE_END - Date.now()) / 1000 - HOUR } : {}),
        );
        const model = new Map<string, Model>();
        let runs = 0;
        for (const event of sequence) {
          const id = jobs[event.job]?.id ?? "";
          const before = await queue.find(id);
          runs += 1;
          await befall(event, jobs[event.job] as (typeof jobs)[number], model, `run-${runs}`);
          expectLawful(before, await queue.find(id), model.get(id));
        }
        await expectConsistent(
          jobs.map(({ id }) => id),
          model,
        );
      }),
      { numRuns: 100 },
    );
  });
});

async function befall(
  { kind }: Event,
  job: ReturnType<typeof submission>,
  model: Map<string, Model>,
  attemptId: string,
): Promise<void> {
  const { id } = job;
  const known = model.get(id);
  const own = known?.attempt_id === null || known === undefined ? {} : { attempt_id: known.attempt_id };
  const move = (name: Transition, fields: Parameters<RecordStore["transition"]>[2], guard = {}) =>
    records.transition(id, name, fields, guard);
  const to = (from: JobStatus[], status: JobStatus, next: string | null = null) => {
    if (!known || !from.includes(known.status)) return;
    const expires =
      status === "queued" && from.includes("failed") ? false : known.expires || FINAL.has(status);
    model.set(id, { status, attempt_id: next, expires });
  };
  switch (kind) {
    case "submit":
      await queue.submit(job);
      if (!known)
        model.set(id, { status: "queued", attempt_id: null, expires: job.expires_in !== undefined });
      break;
    case "crash":
      // Between the two steps of a submission: the record is there, BullMQ has not heard of it.
      await queue.submit(job);
      await redis.del(keys.bullmq(id));
      await redis.zrem(keys.bullmq("prioritized"), id);
      if (!known)
        model.set(id, { status: "queued", attempt_id: null, expires: job.expires_in !== undefined });
      break;
    case "start":
      await move("start", { attempt_id: attemptId });
      to(["queued", "running"], "running", attemptId);
      break;
    case "hand_back":
      await move("hand_back", { attempt_id: null }, own);
      to(["running"], "queued");
      break;
    case "succeed":
      await move("succeed", { attempt_id: null }, own);
      to(["running"], "succeeded");
      break;
    case "fail":
      await move("fail", { attempt_id: null }, own);
      to(["queued", "running"], "failed");
      break;
    case "stale":
      expect(await move("succeed", {}, { attempt_id: "an attempt that lost the job" })).toBe(false);
      expect(await records.update(id, "an attempt that lost the job", { losses: "x" })).toBe(false);
      break;
    case "update":
      expect(await records.update(id, known?.attempt_id ?? "none", { losses: "x" })).toBe(
        known?.status === "running",
      );
      break;
    case "cancel":
      await queue.cancel(id);
      to(["queued", "running"], "canceled");
      break;
    case "retry":
      await queue.retry(id);
      to(["failed", "canceled"], "queued");
      break;
    case "expire":
      expect(await expireJob(queue, id, THE_END)).toBe(known?.expires ?? false);
      if (known?.expires) to(["queued", "running"], "canceled");
      break;
    case "delete":
      await queue.delete(id);
      model.delete(id);
      break;
    case "sweep":
      await requeueLostJobs(queue);
  }
}

function expectLawful(before: JobRecord | null, after: JobRecord | null, model: Model | undefined): void {
  expect(after?.status).toBe(model?.status);
  expect(after?.attempt_id ?? null).toBe(model?.attempt_id ?? null);
  if (!before || !after) return;
  if (before.status !== after.status) expect(LAWFUL).toContain(`${before.status}>${after.status}`);
  if (JSON.stringify(before) !== JSON.stringify(after))
    expect(after.revision).toBeGreaterThan(before.revision);
}

/** Each job stands in the set of its status and in no other, and BullMQ knows every one that should run. */
async function expectConsistent(ids: string[], model: Map<string, Model>): Promise<void> {
  await requeueLostJobs(queue);
  for (const status of ["queued", "running", "succeeded", "failed", "canceled"] as const) {
    const expected = ids.filter((id) => model.get(id)?.status === status).sort();
    expect(await redis.zrange(keys.status(status), "0", "-1")).toEqual(expected);
  }
  const toRun = ids.filter((id) => ["queued", "running"].includes(model.get(id)?.status ?? ""));
  for (const id of toRun) expect(await redis.exists(keys.bullmq(id))).toBe(1);
  expect(await redis.zrange(keys.allJobs, "0", "-1")).toEqual(ids.filter((id) => model.has(id)).sort());
}
