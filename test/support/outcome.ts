import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import { blobKeys, type JobRecord, needsBlob, timelapseFolder } from "../../src/jobs/records/job-record.ts";
import type { WorkerSetting } from "./worker-setting.ts";

/** A worker cleans up after the record has said how a job ended. */
const CLEAN_UP_MS = 3_000;

/** Expects that the store holds of a job all that its record names and nothing that it does not need: one result. */
export async function expectNothingLeftOver(setting: WorkerSetting, record: JobRecord): Promise<void> {
  const deadline = Date.now() + CLEAN_UP_MS;
  let stored = await setting.blobs(record.id);
  const unneeded = () => stored.filter((key) => !needsBlob(record, key));
  while (unneeded().length > 0 && Date.now() < deadline) {
    await sleep(50);
    stored = await setting.blobs(record.id);
  }
  expect(unneeded()).toEqual([]);
  expect(stored).toEqual(expect.arrayContaining(blobKeys(record)));
  const frames = stored.filter((key) => key.startsWith(timelapseFolder(record.id)));
  // A picture is stored before the record counts it, and the job may end in between.
  const counted = record.timelapse?.frames ?? 0;
  expect(frames.length - counted).toBeGreaterThanOrEqual(0);
  expect(frames.length - counted).toBeLessThanOrEqual(1);
}
