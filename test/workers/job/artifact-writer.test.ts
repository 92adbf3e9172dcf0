import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import type { JobFields, JobRecord } from "../../../src/jobs/records/job-record.ts";
import { newRecord } from "../../../src/jobs/records/new-record.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { ArtifactWriter } from "../../../workers/job/artifact-writer.ts";
import type { AttemptContext } from "../../../workers/job/attempt-context.ts";
import { LossHistory } from "../../../workers/job/loss-history.ts";
import { StoreRetry } from "../../../workers/job/store-retry.ts";
import { submission } from "../../support/jobs.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const logger = pino({ level: "silent" });

describe("ArtifactWriter", () => {
  it("keeps the checkpoint that the record names, however often the record cannot be written", async () => {
    const store = new FilesystemBlobStore(join(folder(), "blobs"));
    const record: JobRecord = newRecord(submission());
    const { signal } = new AbortController();
    /** What becomes of an update: Redis rejects it, or does it and the reply is lost. */
    let failure: "rejected" | "reply lost" | null = null;
    const attempt: AttemptContext = {
      ...{ record, attemptId: "attempt", signal, finishRequested: signal, onOptionsChanged: () => undefined },
      async update(fields: JobFields) {
        if (failure !== "rejected") Object.assign(record, fields);
        if (failure !== null) throw new Error("Redis is unreachable");
      },
    };
    const storeRetry = new StoreRetry(store, signal, logger);
    const artifacts = new ArtifactWriter(store, attempt, new LossHistory(), logger, storeRetry);
    const checkpoint = async (step: number) => {
      const path = join(folder(), `checkpoint-of-${step}`);
      await writeFile(path, `step ${step}`);
      artifacts.onEvent({ type: "checkpoint", step, path });
      await artifacts.flush();
    };
    const expectNamed = async (step: number) => {
      expect(record.checkpoint?.step).toBe(step);
      const bytes = await store.read(record.checkpoint?.key ?? "");
      expect(Buffer.from(bytes).toString()).toBe(`step ${step}`);
    };
    await checkpoint(1);
    await checkpoint(2);
    failure = "rejected";
    for (const step of [3, 4, 5]) {
      await checkpoint(step);
      await expectNamed(2);
    }
    failure = "reply lost";
    for (const step of [6, 7, 8]) {
      await checkpoint(step);
      await expectNamed(3);
    }
    failure = null;
    await checkpoint(9);
    await expectNamed(9);
    await checkpoint(10);
    await expectNamed(10);
  });
});
