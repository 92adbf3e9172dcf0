import { expect } from "@jest/globals";
import {
  blobKeys,
  jobFolder,
  needsBlob,
  sharedPictures,
  timelapseFolder,
} from "../../src/jobs/records/job-blobs.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import type { TestDeployment } from "./harness/deployment.ts";
import { until } from "./until.ts";

/** Expects the store to hold every blob that the job's record names, and none that the job does not need. */
export async function expectNothingLeftOver(deployment: TestDeployment, record: JobRecord): Promise<void> {
  const unneeded = async () => (await deployment.blobs(record.id)).filter((key) => !needsBlob(record, key));
  // A worker deletes blobs after the record says how the job ended.
  await until(async () => (await unneeded()).length === 0).catch(() => undefined);
  expect(await unneeded()).toEqual([]);
  const stored = await deployment.blobs(record.id);
  const own = blobKeys(record).filter((key) => key.startsWith(jobFolder(record.id)));
  expect(stored).toEqual(expect.arrayContaining(own));
  for (const key of sharedPictures(record)) {
    expect([key, await deployment.store.stat(key)]).toEqual([key, expect.anything()]);
  }
  const frames = stored.filter((key) => key.startsWith(timelapseFolder(record.id)));
  // A picture is stored before the record counts it, and the job may end in between.
  const counted = record.timelapse?.frames ?? 0;
  expect(frames.length - counted).toBeGreaterThanOrEqual(0);
  expect(frames.length - counted).toBeLessThanOrEqual(1);
}
