import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { timelapseFolder } from "../../../src/jobs/records/job-blobs.ts";
import type { JobFields, JobRecord } from "../../../src/jobs/records/job-record.ts";
import { sharp } from "../../../src/pictures/sharp.ts";
import { joinFrames } from "../../../src/pictures/timelapse.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import type { AttemptContext } from "../../../workers/job/attempt-context.ts";
import { TimelapseWriter } from "../../../workers/job/timelapse-writer.ts";

const ID = "01890000-0000-7000-8000-000000000000";
let folder: string;
let store: FilesystemBlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-timelapse-"));
  store = new FilesystemBlobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An attempt whose updates change its record. */
function attemptOf(record: { timelapse: JobRecord["timelapse"]; interval: number }): AttemptContext {
  const job = { id: ID, timelapse: record.timelapse, options: { timelapse_interval: record.interval } };
  const update = async (fields: JobFields) => void Object.assign(job, fields);
  const signal = new AbortController().signal;
  return {
    ...{ record: job as unknown as JobRecord, attemptId: "attempt", signal, finishRequested: signal, update },
    onOptionsChanged: () => undefined,
  };
}

const picture = (width: number, height: number, seed = 1) => ({
  data: new Uint8Array(width * height * 3).map((_, index) => (index * 7919 * seed) % 256),
  width,
  height,
});

async function paint(attempt: AttemptContext, from: number, to: number, size = 24): Promise<void> {
  const timelapse = new TimelapseWriter(store, attempt, (error) => {
    throw error;
  });
  for (let step = from; step <= to; step++) {
    timelapse.offer(step, picture(size, size, step));
    if (step % 2 === 0) await timelapse.flush();
  }
  await timelapse.flush();
}

async function steps(): Promise<number[]> {
  const found: number[] = [];
  for await (const { key } of store.list(timelapseFolder(ID)))
    found.push(Number.parseInt(key.split("/").at(-1) ?? "", 10));
  return found;
}

describe("TimelapseWriter", () => {
  it("stores a frame at every interval", async () => {
    const attempt = attemptOf({ timelapse: null, interval: 3 });
    await paint(attempt, 1, 11);
    expect(await steps()).toEqual([3, 6, 9]);
    expect(attempt.record.timelapse).toEqual({ frames: 3, interval: 3 });
  });

  it("keeps at most 48 frames, evenly spread, also over two attempts", async () => {
    const attempt = attemptOf({ timelapse: null, interval: 1 });
    await paint(attempt, 1, 60);
    expect(attempt.record.timelapse).toEqual({ frames: 30, interval: 2 });
    await paint(attempt, 55, 130);
    const kept = await steps();
    expect(attempt.record.timelapse).toEqual({ frames: kept.length, interval: 4 });
    expect(kept).toEqual(Array.from({ length: 32 }, (_, index) => 4 * (index + 1)));
  });

  it("stores none if the options say so", async () => {
    const attempt = attemptOf({ timelapse: null, interval: 0 });
    await paint(attempt, 1, 5);
    expect(await steps()).toEqual([]);
    expect(attempt.record.timelapse).toBeNull();
  });

  it("stores frames that join into an animation of the last one's size, which shows the last one longest", async () => {
    const attempt = attemptOf({ timelapse: null, interval: 1 });
    await paint(attempt, 1, 2, 20);
    const { data, width, height } = picture(900, 600);
    const result = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const pictures: Uint8Array[] = [];
    for await (const { key } of store.list(timelapseFolder(ID))) pictures.push(await store.read(key));
    const animation = await joinFrames([...pictures, result]);
    const metadata = await sharp(animation, { animated: true }).metadata();
    expect(metadata).toMatchObject({ format: "webp", width: 512, pageHeight: 341, pages: 3, loop: 0 });
    expect(metadata.delay).toEqual([300, 300, 2000]);
  });
});
