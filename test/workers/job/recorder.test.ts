import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import type { JobFields, JobRecord } from "../../../src/jobs/records/job-record.ts";
import { newRecord } from "../../../src/jobs/records/new-record.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import type { JobRun } from "../../../workers/job/job-run.ts";
import { LossHistory } from "../../../workers/job/loss-history.ts";
import { Patience } from "../../../workers/job/patience.ts";
import { Recorder } from "../../../workers/job/recorder.ts";
import { submission } from "../../support/jobs.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const logger = pino({ level: "silent" });

describe("A checkpoint that is stored when its job's record cannot be written any more", () => {
  it("leaves the one that the record names as it is", async () => {
    const store = new FilesystemBlobStore(join(folder(), "blobs"));
    const record: JobRecord = newRecord(submission());
    const { signal } = new AbortController();
    let canWrite = true;
    const run: JobRun = {
      ...{ record, token: "run", signal, onSteered: () => undefined },
      async update(fields: JobFields) {
        if (!canWrite) throw new Error("Redis is away");
        Object.assign(record, fields);
      },
    };
    const recorder = new Recorder(store, run, new LossHistory(), logger, new Patience(store, signal, logger));
    const checkpoint = async (step: number) => {
      const path = join(folder(), `checkpoint-of-${step}`);
      await writeFile(path, `step ${step}`);
      recorder.record({ type: "checkpoint", step, path });
      await recorder.settle();
    };
    await checkpoint(1);
    await checkpoint(2);
    expect(record.checkpoint?.step).toBe(2);
    canWrite = false;
    await checkpoint(3);
    expect(record.checkpoint?.step).toBe(2);
    const bytes = await store.read(record.checkpoint?.key ?? "");
    expect(Buffer.from(bytes).toString()).toBe("step 2");
  });
});
