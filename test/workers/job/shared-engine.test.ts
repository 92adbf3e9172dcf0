import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { v7 } from "uuid";
import { readConfig } from "../../../src/config.ts";
import type { JobRecord } from "../../../src/queue/records/job-record.ts";
import { ROOT } from "../../../src/root.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { EngineProcess } from "../../../workers/engine-process/engine-process.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import { Pace } from "../../../workers/pace.ts";
import { submission } from "../../support/jobs.ts";
import { jpeg } from "../../support/pictures.ts";
import { QueueSetting } from "../../support/queue-setting.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

// As in the stand-in engine: its process has no memory, or does not end by itself; any other is painted.
const [OUT_OF_MEMORY, HANG, WELL] = [2, 3, 4];

const folder = temporaryFolder();
let setting: QueueSetting;
let { queue } = {} as QueueSetting;
let store: FilesystemBlobStore;
let engine: EngineProcess;

beforeAll(async () => {
  setting = await QueueSetting.start();
  ({ queue } = setting);
  store = new FilesystemBlobStore(join(folder(), "blobs"));
  engine = new EngineProcess({
    script: join(ROOT, "dist", "test", "workers", "stand-in-engine.js"),
    arguments: [],
    environment: process.env,
  });
  engine.start();
  const { limits } = readConfig({});
  const tools = {
    ...{ store, engine, limits, scratchDirectory: join(folder(), "scratch"), checkpointMs: 60_000 },
    pace: new Pace(),
    logger: pino({ level: "silent" }),
  };
  setting.startWorker((run) => processJob(tools, run), { company: { seats: 3, largestSize: () => 64 } });
});
afterAll(async () => {
  await setting.close();
  await engine.stop();
});

async function submitted(seed: number): Promise<JobRecord> {
  const job = submission({ id: v7() });
  await store.put(job.content, await jpeg());
  for (const key of job.styles) await store.put(key, await jpeg({ seed: 2 }));
  return queue.submit({ ...job, options: { ...job.options, seed } });
}

const becomes = ({ id }: JobRecord, fields: Partial<JobRecord>) =>
  until(async () => {
    const record = await queue.find(id);
    return Object.entries(fields).every(([name, value]) => record?.[name as keyof JobRecord] === value);
  });

describe("Jobs that share an engine", () => {
  it("are painted and canceled each by itself", async () => {
    const hung = await submitted(HANG);
    await becomes(hung, { status: "running" });
    const painted = [await submitted(WELL), await submitted(WELL)];
    for (const job of painted) await becomes(job, { status: "succeeded", attempts: 1 });
    expect(await queue.find(hung.id)).toMatchObject({ status: "running", attempts: 1 });
    await queue.cancel(hung.id);
    const next = await submitted(WELL);
    await becomes(next, { status: "succeeded", attempts: 1 });
  });

  it("are all begun again where its memory ran out: only one that was alone has failed by that", async () => {
    const hung = await submitted(HANG);
    await becomes(hung, { status: "running" });
    const large = await submitted(OUT_OF_MEMORY);
    await becomes(hung, { status: "running", attempts: 2 });
    expect(["queued", "failed"]).toContain((await queue.find(large.id))?.status);
    await queue.cancel(hung.id);
    await becomes(large, { status: "failed", attempts: 2 });
    expect((await queue.find(large.id))?.error).toMatchObject({ code: "out_of_memory" });
  });
});
