import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobRecord } from "../../../src/queue/records/job-record.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import type { QueueSetting } from "../../support/queue-setting.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { StandInSetting } from "./stand-in-setting.ts";

// As in the stand-in engine: its process has no memory, or does not end by itself; any other is painted.
const [OUT_OF_MEMORY, HANG, WELL] = [2, 3, 4];

const folder = temporaryFolder();
let setting: StandInSetting;
let { queue } = {} as QueueSetting;

beforeAll(async () => {
  setting = await StandInSetting.start(folder(), new FilesystemBlobStore(join(folder(), "blobs")));
  ({ queue } = setting.queues);
  setting.queues.startWorker((run) => processJob(setting.tools, run), {
    company: { seats: 3, largestSize: () => 64 },
  });
});
afterAll(async () => {
  await setting.close();
});

const submitted = (seed: number) => setting.submit(seed);

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
