import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { v7 } from "uuid";
import { Maintenance } from "../../src/maintenance/maintenance.ts";
import { deleteOrphans } from "../../src/maintenance/orphans.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { connected } from "../support/harness/redis.ts";
import { HOUR, StoredJobs } from "../support/stored-jobs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
let harness: QueueHarness;
let { redis, queue, records } = {} as QueueHarness;
let jobs: StoredJobs;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ redis, queue, records } = harness);
});
afterAll(() => harness.close());
beforeEach(async () => {
  await harness.clear();
  jobs = new StoredJobs(harness, folder());
});

describe("Cleaning up", () => {
  it("deletes scratch folders of ended attempts, and old uploads that a crash interrupted", async () => {
    const { id } = await jobs.submitted();
    await records.transition(id, "start", { attempt_id: "r", attempts: 1 });
    const [scratch, spool] = [join(folder(), "scratch"), join(folder(), "spool")];
    for (const name of [`${id}.r`, `${id}.dead`, `${v7()}.dead`]) {
      await mkdir(join(scratch, name), { recursive: true });
      await writeFile(join(scratch, name, "checkpoint"), "x");
    }
    for (const name of ["request-old", "request-new"]) await mkdir(join(spool, name), { recursive: true });
    const then = new Date(Date.now() - 25 * HOUR);
    await utimes(join(spool, "request-old"), then, then);
    const { scheduler } = queue;
    const logger = pino({ level: "silent" });
    const config = { spoolDirectory: spool, scratchDirectory: scratch };
    const deps = { records, scheduler, pictures: queue.pictures, store: jobs.store, config, logger };
    const processes = [1, 2].map(() => new Maintenance(deps));
    await Promise.all(processes.map((maintenance) => maintenance.cleanUp()));
    expect(await readdir(scratch)).toEqual([`${id}.r`]);
    expect(await readdir(spool)).toEqual(["request-new"]);
    expect(await new Maintenance(deps).cleanUp()).toBe(0);
  });
});

describe("Deleting orphans", () => {
  it("deletes pictures of a failed submission after a day", async () => {
    const old = `jobs/${v7()}/content`;
    const young = `jobs/${v7()}/content`;
    await jobs.put(old, 25 * HOUR);
    await jobs.put(young, 23 * HOUR);
    expect(await deleteOrphans(queue, jobs.store)).toBe(1);
    expect(await jobs.stored()).toEqual([young]);
  });

  it("deletes blobs of dead attempts, and keeps all that a job needs", async () => {
    const { id } = await jobs.succeeded();
    const needed = [...(await jobs.stored()), `jobs/${id}/derived/webp-90`];
    await jobs.put(`jobs/${id}/derived/webp-90`, 25 * HOUR);
    await jobs.put(`jobs/${id}/dead/checkpoint-0`, 25 * HOUR);
    await jobs.put(`jobs/${id}/dead/preview`, 0);
    expect(await deleteOrphans(queue, jobs.store)).toBe(1);
    expect(await jobs.stored()).toEqual([...needed, `jobs/${id}/dead/preview`].sort());
  });

  it("works in several processes at once", async () => {
    await jobs.succeeded();
    const needed = await jobs.stored();
    for (let index = 0; index < 20; index++) await jobs.put(`jobs/${v7()}/content`, 25 * HOUR);
    await Promise.all([1, 2, 3].map(() => deleteOrphans(queue, jobs.store)));
    expect(await jobs.stored()).toEqual(needed);
  });

  it("deletes nothing while Redis is unavailable", async () => {
    await jobs.put(`jobs/${v7()}/content`, 25 * HOUR);
    await harness.server.kill();
    await expect(deleteOrphans(queue, jobs.store)).rejects.toThrow();
    await harness.server.start();
    await connected(redis);
    expect(await jobs.stored()).toHaveLength(1);
  });
});
