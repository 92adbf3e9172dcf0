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

/** What can happen to a job. In `stale` an attempt writes that has lost the job, in `crash` a submission is interrupted. */
const events = fc.record({
  job: fc.nat(JOBS - 1),
  kind: fc.constantFrom(
    ...(["submit", "start", "requeue", "succeed", "fail", "cancel", "retry"] as const),
    ...(["stale", "update", "expire", "delete", "crash", "maintain"] as const),
  ),
});
type Event = typeof events extends fc.Arbitrary<infer T> ? T : never;

/** What a correct queue would hold. It is written without the table of transitions. */
interface Model {
  status: JobStatus;
  attemptId: string | null;
  hasExpiry: boolean;
}

const HOUR_SECONDS = 3600;
/** By then every job that has an expiry is due. */
const FAR_FUTURE = Date.parse("9999-01-01T00:00:00Z");

const FINAL = new Set<JobStatus>(["succeeded", "failed", "canceled"]);

const ALLOWED = new Set(
  [
    "queued>running queued>failed queued>canceled running>running running>queued",
    "running>succeeded running>failed running>canceled failed>queued canceled>queued",
  ].flatMap((line) => line.split(" ")),
);

describe("The table of transitions", () => {
  it("allows these changes of status and no others", () => {
    const pairs = Object.values(TRANSITIONS).flatMap(({ from, to }) => from.map((one) => `${one}>${to}`));
    expect(new Set(pairs)).toEqual(ALLOWED);
  });

  it("holds for random sequences of events on a real queue", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 20, maxLength: 40, size: "max" }), async (sequence) => {
        await redis.flushall();
        // The first job has an expiry from the start.
        const expires_in = (FAR_FUTURE - Date.now()) / 1000 - HOUR_SECONDS;
        const jobs = [submission({ expires_in }), submission()];
        const model = new Map<string, Model>();
        let attempts = 0;
        for (const { job, kind } of sequence) {
          const submitted = jobs[job] as (typeof jobs)[number];
          const before = await queue.find(submitted.id);
          attempts += 1;
          await apply(kind, submitted, model, `attempt-${attempts}`);
          expectAllowed(before, await queue.find(submitted.id), model.get(submitted.id));
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

/** Does to a job what the event says, and to the model what a correct queue would do. */
async function apply(
  kind: Event["kind"],
  job: ReturnType<typeof submission>,
  model: Map<string, Model>,
  attemptId: string,
): Promise<void> {
  const { id } = job;
  const known = model.get(id);
  const owned = known?.attemptId ? { attempt_id: known.attemptId } : {};
  const released = { attempt_id: null };
  const transition = (
    name: Transition,
    fields: Parameters<RecordStore["transition"]>[2],
    precondition = {},
  ) => records.transition(id, name, fields, precondition);
  const create = () => {
    if (known) return;
    model.set(id, { status: "queued", attemptId: null, hasExpiry: job.expires_in !== undefined });
  };
  const move = (from: JobStatus[], status: JobStatus, owner: string | null = null) => {
    if (!known || !from.includes(known.status)) return;
    const isRetried = status === "queued" && from.includes("failed");
    const hasExpiry = !isRetried && (known.hasExpiry || FINAL.has(status));
    model.set(id, { status, attemptId: owner, hasExpiry });
  };
  switch (kind) {
    case "submit":
      await queue.submit(job);
      create();
      break;
    case "crash":
      // The record is written, and BullMQ does not know the job.
      await queue.submit(job);
      await redis.del(keys.bullmq(id));
      await redis.zrem(keys.bullmq("prioritized"), id);
      create();
      break;
    case "start":
      await transition("start", { attempt_id: attemptId });
      move(["queued", "running"], "running", attemptId);
      break;
    case "requeue":
      await transition("requeue", released, owned);
      move(["running"], "queued");
      break;
    case "succeed":
      await transition("succeed", released, owned);
      move(["running"], "succeeded");
      break;
    case "fail":
      await transition("fail", released, owned);
      move(["queued", "running"], "failed");
      break;
    case "stale":
      expect(await transition("succeed", {}, { attempt_id: "stale" })).toBe(false);
      expect(await records.update(id, "stale", { losses: "x" })).toBe(false);
      break;
    case "update": {
      const isUpdated = await records.update(id, known?.attemptId ?? "none", { losses: "x" });
      expect(isUpdated).toBe(known?.status === "running");
      break;
    }
    case "cancel":
      await queue.cancel(id);
      move(["queued", "running"], "canceled");
      break;
    case "retry":
      await queue.retry(id);
      move(["failed", "canceled"], "queued");
      break;
    case "expire":
      expect(await expireJob(queue, id, FAR_FUTURE)).toBe(known?.hasExpiry ?? false);
      if (known?.hasExpiry) move(["queued", "running"], "canceled");
      break;
    case "delete":
      await queue.delete(id);
      model.delete(id);
      break;
    case "maintain":
      await requeueLostJobs(queue);
  }
}

function expectAllowed(before: JobRecord | null, after: JobRecord | null, model: Model | undefined): void {
  expect(after?.status).toBe(model?.status);
  expect(after?.attempt_id ?? null).toBe(model?.attemptId ?? null);
  if (!before || !after) return;
  if (before.status !== after.status) expect(ALLOWED).toContain(`${before.status}>${after.status}`);
  if (JSON.stringify(before) !== JSON.stringify(after)) {
    expect(after.revision).toBeGreaterThan(before.revision);
  }
}

/** Every job is in the set of its status and in no other, and BullMQ knows all queued and running jobs. */
async function expectConsistent(ids: string[], model: Map<string, Model>): Promise<void> {
  await requeueLostJobs(queue);
  for (const status of ["queued", "running", "succeeded", "failed", "canceled"] as const) {
    const expected = ids.filter((id) => model.get(id)?.status === status).sort();
    expect(await redis.zrange(keys.status(status), "0", "-1")).toEqual(expected);
  }
  const unfinished = ids.filter((id) => ["queued", "running"].includes(model.get(id)?.status ?? ""));
  for (const id of unfinished) expect(await redis.exists(keys.bullmq(id))).toBe(1);
  expect(await redis.zrange(keys.allJobs, "0", "-1")).toEqual(ids.filter((id) => model.has(id)).sort());
}
