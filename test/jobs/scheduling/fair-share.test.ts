import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { requeueLostJobs } from "../../../src/maintenance/requeue-lost.ts";
import { QueueHarness } from "../../support/harness/queue.ts";
import { positionOf, submission } from "../../support/jobs.ts";

let harness: QueueHarness;
let { redis, queue, keys, records } = {} as QueueHarness;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ redis, queue, keys, records } = harness);
});
afterEach(() => harness.clear());
afterAll(() => harness.close());

async function submit(owner: string, count = 1, priority = 50): Promise<JobRecord[]> {
  const jobs: JobRecord[] = [];
  for (let one = 0; one < count; one += 1) jobs.push(await queue.submit(submission({ owner, priority })));
  return jobs;
}

const waiting = () => redis.zrange(keys.bullmq("prioritized"), "0", "-1");

/** Takes the next job as BullMQ does, and starts it as a worker does. */
async function take(): Promise<string | undefined> {
  const [id] = (await redis.zpopmin(keys.bullmq("prioritized"))) as string[];
  if (id !== undefined) await records.transition(id, "start", { attempt_id: "an attempt" });
  return id;
}

/** The owners of the first twelve queued jobs, as a word. */
async function order(): Promise<string> {
  const owners = await Promise.all(
    (await waiting()).slice(0, 12).map(async (id) => (await queue.find(id))?.owner),
  );
  return owners.join("");
}

describe("The fair order of owners", () => {
  it("puts an owner's first job ahead of another owner's 500", async () => {
    await submit("a", 500);
    const [first] = await submit("b");
    expect(await positionOf(queue, first?.id ?? "")).toBe(1);
    const [third] = await submit("c");
    expect(await positionOf(queue, third?.id ?? "")).toBe(2);
    await submit("b", 3);
    expect(await order()).toBe("abcabababaaa");
  });

  it("serves owners in turn, even if one comes long after the other", async () => {
    await submit("a", 20);
    for (let taken = 0; taken < 10; taken += 1) await take();
    await submit("b", 3);
    expect(await order()).toBe("abababaaaaaa");
    await take();
    await submit("a", 1, 1);
    expect(await order()).toBe("bababaaaaaaa");
  });

  it("orders an owner's jobs by priority, without delaying other owners", async () => {
    const [slow] = await submit("a", 1, 90);
    await submit("a", 2);
    await submit("b", 3);
    const before = await order();
    const [urgent] = await submit("a", 1, 1);
    expect(before).toBe("ababab");
    expect(await order()).toBe("abababa");
    expect((await waiting())[0]).toBe(urgent?.id);
    expect((await waiting()).at(-1)).toBe(slow?.id);
  });

  it("moves an owner's other jobs up if one is canceled", async () => {
    const mine = await submit("a", 3);
    await submit("b", 3);
    await queue.cancel(mine[0]?.id ?? "");
    expect(await order()).toBe("ababb");
    expect(await positionOf(queue, mine[1]?.id ?? "")).toBe(0);
    await queue.retry(mine[0]?.id ?? "");
    expect(await order()).toBe("ababba");
    expect(await positionOf(queue, mine[0]?.id ?? "")).toBe(5);
  });

  it("places a job whose process died before it had a place", async () => {
    await submit("a", 3);
    const [job] = await submit("b");
    const id = job?.id ?? "";
    await redis.zadd(keys.bullmq("prioritized"), 2_000_000 * 2 ** 32, id);
    await redis.hset(keys.bullmq(id), "priority", 2_000_000);
    await redis.zrem(keys.owner("b", "order"), id);
    expect(await order()).toBe("aaab");
    expect(await requeueLostJobs(queue)).toBe(1);
    expect(await requeueLostJobs(queue)).toBe(0);
    expect(await order()).toBe("abaa");
  });

  it("counts rounds down before scores become inexact", async () => {
    await submit("a", 3);
    await submit("b", 2);
    const before = await waiting();
    for (const id of before) await redis.zincrby(keys.bullmq("prioritized"), 1_500_000 * 2 ** 32, id);
    await submit("c");
    expect(await order()).toBe("abcaba");
    const scores = await redis.zrange(keys.bullmq("prioritized"), "0", "-1", "WITHSCORES");
    expect(Math.max(...scores.filter((_, index) => index % 2 === 1).map(Number))).toBeLessThan(5 * 2 ** 32);
    expect((await waiting()).filter((id) => before.includes(id))).toEqual(before);
  });

  it("holds for random sequences: owners keep their order, and a new owner waits for at most one job of each other owner", async () => {
    const events = fc.record({
      kind: fc.constantFrom(...(["submit", "submit", "submit", "take", "cancel"] as const)),
      owner: fc.constantFrom("a", "b", "c"),
      priority: fc.constantFrom(1, 50, 50, 100),
      which: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 30, maxLength: 60, size: "max" }), async (sequence) => {
        await redis.flushall();
        let line: JobRecord[] = [];
        for (const event of sequence) {
          const before = line;
          if (event.kind === "submit") line = [...line, ...(await submit(event.owner, 1, event.priority))];
          const one = line[event.which % Math.max(1, line.length)];
          if (event.kind === "cancel" && one) {
            await queue.cancel(one.id);
            line = line.filter(({ id }) => id !== one.id);
          }
          if (event.kind === "take") {
            const taken = await take();
            line = line.filter(({ id }) => id !== taken);
          }
          const ids = await waiting();
          expect([...ids].sort()).toEqual(line.map(({ id }) => id).sort());
          const sorted = ids.map((id) => line.find((job) => job.id === id) as JobRecord);
          for (const owner of ["a", "b", "c"]) {
            const own = line.filter((job) => job.owner === owner).sort((x, y) => x.priority - y.priority);
            expect(sorted.filter((job) => job.owner === owner)).toEqual(own);
          }
          const isNew = event.kind === "submit" && !before.some(({ owner }) => owner === event.owner);
          if (!isNew) continue;
          const passed = sorted.slice(
            0,
            sorted.findIndex(({ owner }) => owner === event.owner),
          );
          expect(new Set(passed.map(({ owner }) => owner)).size).toBe(passed.length);
        }
      }),
      { numRuns: 40 },
    );
  });
});
