import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../../src/contract/presets.ts";
import type { JobRecord } from "../../../src/queue/records/job-record.ts";
import { MAXIMUM_ATTEMPTS } from "../../../src/queue/worker/attempt.ts";
import type { JobOutcome, JobRun } from "../../../src/queue/worker/job-run.ts";
import type { JobWorker, JobWorkerSettings } from "../../../src/queue/worker/job-worker.ts";
import { positionOf, submission } from "../../support/jobs.ts";
import { QueueSetting } from "../../support/queue-setting.ts";
import { until } from "../../support/until.ts";

const LOCK_MS = 600;
/** Long enough for a worker to have looked for company, several times. */
const LOOKS_MS = 1_000;
const SUCCEEDED: JobOutcome = { type: "succeeded", fields: {} };

let setting: QueueSetting;
let { redis, queue, keys } = {} as QueueSetting;
beforeAll(async () => {
  setting = await QueueSetting.start();
  ({ redis, queue, keys } = setting);
});
afterEach(() => setting.clear());
afterAll(() => setting.close());

/** A worker whose jobs are under way until the test, or what they are stopped for, ends them. */
class Easel {
  readonly worker: JobWorker;
  /** In the order in which they were begun. */
  readonly begun: string[] = [];
  readonly underWay = new Map<string, (outcome: JobOutcome) => void>();
  /** What was under way whenever a job was begun. */
  readonly together: string[][] = [];

  constructor(name = "worker", settings: Partial<JobWorkerSettings> = {}) {
    const company = { seats: 3, largestSize: () => 128 };
    const work = (run: JobRun) => this.paint(run);
    this.worker = setting.startWorker(work, { name, lockMs: LOCK_MS, company, ...settings });
  }

  end(id: string | undefined, outcome = SUCCEEDED): void {
    this.underWay.get(id ?? "")?.(outcome);
  }

  /** As where the engine dies. */
  crash(): void {
    for (const id of [...this.underWay.keys()]) {
      this.end(id, { type: "crashed", code: "engine_crashed", message: "The engine died" });
    }
  }

  private async paint({ record, signal }: JobRun): Promise<JobOutcome> {
    const { id } = record;
    this.begun.push(id);
    try {
      return await new Promise<JobOutcome>((resolve) => {
        this.underWay.set(id, resolve);
        this.together.push([...this.underWay.keys()]);
        const stop = () => resolve({ type: "stopped" });
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop);
      });
    } finally {
      this.underWay.delete(id);
    }
  }
}

const submit = async (size = 128, owner = "a") =>
  (await queue.submit(submission({ owner, options: resolveOptions({ preset: "draft", size }, 1) }))).id;
const submitAll = async (...sizes: number[]) => {
  const ids: string[] = [];
  for (const size of sizes) ids.push(await submit(size));
  return ids;
};
const find = async (id: string | undefined) => (await queue.find(id ?? "")) as JobRecord;
const hasEnded = async (id: string) => !["queued", "running"].includes((await find(id)).status);
const underWay = (easel: Easel, count: number) => until(async () => easel.underWay.size === count);

describe("A worker that paints a small job", () => {
  it("takes as many further ones as it has seats, in their order, each done by itself", async () => {
    const ids = await submitAll(128, 64, 128, 96, 128);
    const easel = new Easel();
    await underWay(easel, 4);
    await sleep(LOOKS_MS);
    expect(easel.begun).toEqual(ids.slice(0, 4));
    expect(easel.worker.jobs).toEqual(ids.slice(0, 4));
    const running = await Promise.all(ids.slice(0, 4).map(find));
    expect(running).toMatchObject(ids.slice(0, 4).map(() => ({ status: "running", attempts: 1 })));
    easel.end(ids[2]);
    await until(async () => easel.begun.length === 5);
    expect(await find(ids[2])).toMatchObject({ status: "succeeded", attempts: 1, worker: "worker" });
    for (const id of ids) easel.end(id);
    for (const id of ids) await until(() => hasEnded(id));
    expect((await Promise.all(ids.map(find))).map(({ status, attempts }) => [status, attempts])).toEqual(
      ids.map(() => ["succeeded", 1]),
    );
    expect(await redis.exists(...ids.map((id) => keys.dispatch(id)))).toBe(0);
  });

  it("takes one that comes later, and goes on with it when its first is done", async () => {
    const first = await submit();
    const easel = new Easel();
    await underWay(easel, 1);
    const later = await submit();
    await underWay(easel, 2);
    easel.end(first);
    const last = await submit();
    await until(async () => easel.begun.includes(last));
    expect([...easel.underWay.keys()]).toEqual([later, last]);
  });

  it("keeps the locks of all for as long as they take", async () => {
    const ids = await submitAll(128, 128, 128);
    const easel = new Easel();
    await underWay(easel, 3);
    const other = new Easel("other");
    await sleep(4 * LOCK_MS);
    for (const id of ids) easel.end(id);
    for (const id of ids) await until(() => hasEnded(id));
    expect((await Promise.all(ids.map(find))).map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    expect(other.begun).toEqual([]);
  });

  it("leaves further ones to workers that have nothing to do", async () => {
    const easels = [new Easel("one"), new Easel("two")];
    await sleep(100);
    await submitAll(128, 128);
    await until(async () => easels.every(({ underWay }) => underWay.size > 0));
    expect(easels.map(({ underWay }) => underWay.size)).toEqual([1, 1]);
  });

  it.each([
    ["it has no seats", 0, 128],
    ["its engine is not for that", 3, 0],
  ])("takes none where %s", async (_, seats, largestSize) => {
    await submitAll(128, 128);
    const easel = new Easel("worker", { company: { seats, largestSize: () => largestSize } });
    await underWay(easel, 1);
    await sleep(LOOKS_MS);
    expect(easel.underWay.size).toBe(1);
  });

  it("takes none while it is paused, and goes on with those that it has", async () => {
    const ids = await submitAll(128, 128);
    const easel = new Easel();
    await underWay(easel, 2);
    await easel.worker.pause();
    const later = await submit();
    await sleep(LOOKS_MS);
    expect(easel.begun).toEqual(ids);
    easel.worker.start();
    await until(async () => easel.begun.includes(later));
  });
});

describe("The order of the queue", () => {
  it("holds: no small job passes a large one, which is begun when the small ones are done, and is alone", async () => {
    const [one, two, large, three, four] = await submitAll(128, 128, 512, 128, 128);
    const easel = new Easel();
    await underWay(easel, 2);
    await sleep(LOOKS_MS);
    easel.end(one);
    await sleep(LOOKS_MS);
    expect(easel.begun).toEqual([one, two]);
    expect(await find(large)).toMatchObject({ status: "queued", attempts: 0, revision: 1 });
    easel.end(two);
    await until(async () => easel.underWay.has(large ?? ""));
    await sleep(LOOKS_MS);
    easel.end(large);
    await underWay(easel, 2);
    expect(easel.begun).toEqual([one, two, large, three, four]);
    expect(easel.together).toEqual([[one], [one, two], [large], [three], [three, four]]);
  });

  it("gives a large one to a worker that is free, instead of waiting for company to be done", async () => {
    const [one, two, large] = await submitAll(128, 128, 512);
    const easel = new Easel();
    await underWay(easel, 2);
    easel.end(one);
    await sleep(LOOKS_MS);
    const other = new Easel("other");
    await until(async () => other.underWay.has(large ?? ""));
    expect([...easel.underWay.keys()]).toEqual([two]);
  });

  it("holds among what the worker can take at all", async () => {
    const [tooLarge, one, two] = await submitAll(2048, 128, 128);
    const easel = new Easel("worker", { largestSize: () => 1024 });
    await underWay(easel, 2);
    expect(easel.begun).toEqual([one, two]);
    expect(await find(tooLarge)).toMatchObject({ status: "queued", attempts: 0, revision: 1 });
  });

  it("stays fair: owners are served in turn", async () => {
    const many: string[] = [];
    for (let count = 0; count < 6; count += 1) many.push(await submit(128, "a"));
    const [first, second] = [await submit(128, "b"), await submit(128, "b")];
    const easel = new Easel();
    await underWay(easel, 4);
    expect(easel.begun).toEqual([many[0], first, many[1], second]);
  });
});

describe("A job that its engine dies of", () => {
  it("costs each of the others one attempt at most: what has lost one is painted alone", async () => {
    const ids = await submitAll(128, 128, 128, 128);
    const [, poisonous] = ids;
    const easel = new Easel();
    await underWay(easel, 4);
    easel.crash();
    const others = await submitAll(128, 128);
    const all = [...ids, ...others];
    while (!(await Promise.all(all.map(hasEnded))).every(Boolean)) {
      await sleep(LOOKS_MS / 2);
      if (easel.underWay.has(poisonous ?? "")) easel.crash();
      else for (const id of easel.underWay.keys()) easel.end(id);
    }
    expect(await find(poisonous)).toMatchObject({
      ...{ status: "failed", attempts: MAXIMUM_ATTEMPTS },
      error: { code: "engine_crashed" },
    });
    const innocents = all.filter((id) => id !== poisonous);
    for (const id of innocents) expect(await find(id)).toMatchObject({ status: "succeeded" });
    expect((await Promise.all(innocents.map(find))).map(({ attempts }) => attempts)).toEqual([2, 2, 2, 1, 1]);
    const again = easel.together.slice(4).filter((jobs) => jobs.some((id) => ids.includes(id)));
    expect(again.every((jobs) => jobs.length === 1)).toBe(true);
  });

  it("is begun again only when all company is gone", async () => {
    const [one, two] = await submitAll(128, 128);
    const easel = new Easel();
    await underWay(easel, 2);
    easel.end(one, { type: "crashed", code: "storage_failed", message: "" });
    await sleep(LOOKS_MS);
    expect(await find(one)).toMatchObject({ status: "queued", attempts: 1 });
    easel.end(two);
    await until(async () => easel.underWay.has(one ?? ""));
    const later = await submit();
    await sleep(LOOKS_MS);
    expect(easel.begun).toEqual([one, two, one]);
    easel.end(one);
    await until(async () => easel.underWay.has(later));
  });
});

describe("One of several jobs at once", () => {
  it("is canceled without the others, and its seat is taken by the next", async () => {
    const ids = await submitAll(128, 128, 128, 128);
    const easel = new Easel();
    await underWay(easel, 4);
    await queue.cancel(ids[2] ?? "");
    await underWay(easel, 3);
    const next = await submit();
    await until(async () => easel.underWay.has(next));
    for (const id of easel.underWay.keys()) easel.end(id);
    for (const id of [...ids, next]) await until(() => hasEnded(id));
    const statuses = (await Promise.all([...ids, next].map(find))).map(({ status }) => status);
    expect(statuses).toEqual(["succeeded", "succeeded", "canceled", "succeeded", "succeeded"]);
  });

  it("that is canceled and wanted again goes on", async () => {
    const ids = await submitAll(128, 128);
    const easel = new Easel();
    await underWay(easel, 2);
    await queue.cancel(ids[1] ?? "");
    await queue.retry(ids[1] ?? "");
    await until(async () => easel.begun.length === 3);
    expect(easel.begun[2]).toBe(ids[1]);
  });
});

describe("A worker that closes with several jobs", () => {
  it("hands all of them back, takes no other, and no attempt is lost", async () => {
    const ids = await submitAll(128, 128, 128, 128, 128, 128);
    const easel = new Easel();
    await underWay(easel, 4);
    await easel.worker.close(5_000);
    const records = await Promise.all(ids.map(find));
    expect(records).toMatchObject(ids.map(() => ({ status: "queued", attempts: 0, run: null })));
    expect(easel.begun).toHaveLength(4);
    const positions = await Promise.all(ids.map((id) => positionOf(queue, id)));
    expect(positions.slice(0, 4).toSorted()).toEqual([0, 1, 2, 3]);
    const other = new Easel("other");
    await underWay(other, 4);
    expect(other.begun.toSorted()).toEqual(ids.slice(0, 4).toSorted());
  });
});

describe("Looking for company", () => {
  it("costs Redis little, and nothing while a large job is painted", async () => {
    const commands = async () =>
      Number(/total_commands_processed:(\d+)/.exec(await redis.info("stats"))?.[1] ?? 0);
    const spent = async () => {
      const before = await commands();
      await sleep(3_000);
      return (await commands()) - before;
    };
    const [large] = await submitAll(512, 128, 512);
    const easel = new Easel("worker", { lockMs: 20_000 });
    await underWay(easel, 1);
    expect(await spent()).toBeLessThan(10);
    easel.end(large);
    await underWay(easel, 1);
    await sleep(LOOKS_MS);
    expect(await spent()).toBeLessThan(100);
  });
});
