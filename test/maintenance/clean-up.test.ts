import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { pino } from "pino";
import { v7 } from "uuid";
import { Maintenance, type MaintenanceDeps, maintenanceTasks } from "../../src/maintenance/maintenance.ts";
import { deleteOrphans } from "../../src/maintenance/orphans.ts";
import { QueueHarness } from "../support/harness/queue.ts";
import { connected } from "../support/harness/redis.ts";
import { HOUR, StoredJobs } from "../support/stored-jobs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();
let harness: QueueHarness;
let { redis, keys, queue, records } = {} as QueueHarness;
let jobs: StoredJobs;

beforeAll(async () => {
  harness = await QueueHarness.start();
  ({ redis, keys, queue, records } = harness);
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
    const tasks = [1, 2].map(() => maintenanceTasks(deps(spool, scratch)));
    await Promise.all(tasks.flat().map(({ run }) => run()));
    expect(await readdir(scratch)).toEqual([`${id}.r`]);
    expect(await readdir(spool)).toEqual(["request-new"]);
    for (const { run } of maintenanceTasks(deps(spool, scratch))) expect(await run()).toBe(0);
  });

  it("goes on with the other tasks if one fails, and with the other files if one cannot be deleted", async () => {
    const orphans = [`jobs/${v7()}/content`, `jobs/${v7()}/content`];
    for (const key of orphans) await jobs.put(key, 25 * HOUR);
    const [scratch, spool] = [join(folder(), "scratch-2"), join(folder(), "spool-2")];
    await mkdir(join(scratch, `${v7()}.dead`), { recursive: true });
    const remove = jest.spyOn(jobs.store, "delete").mockImplementationOnce(async () => {
      throw new Error("denied");
    });
    const maintenance = new Maintenance(deps(spool, scratch));
    maintenance.start();
    await until(async () => (await readdir(scratch)).length === 0);
    await until(async () => (await jobs.stored()).length === 1);
    await maintenance.stop();
    remove.mockRestore();
    // The sweep that failed has given its turn back.
    for (const { run } of maintenanceTasks(deps(spool, scratch))) await run();
    expect(await jobs.stored()).toEqual([]);
  });

  it("lists the store in one of several processes", async () => {
    const list = jest.spyOn(jobs.store, "list");
    const tasks = [1, 2, 3].flatMap(() => maintenanceTasks(deps(folder(), folder())));
    await Promise.all(tasks.map(({ run }) => run()));
    expect(list.mock.calls).toEqual([["jobs/"], ["pictures/"]]);
  });
});

function deps(spoolDirectory: string, scratchDirectory: string): MaintenanceDeps {
  const { scheduler, pictures } = queue;
  const config = { spoolDirectory, scratchDirectory };
  const logger = pino({ level: "silent" });
  return { redis, keys, records, scheduler, pictures, store: jobs.store, config, logger };
}

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
