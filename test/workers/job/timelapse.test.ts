import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type JobFields, type JobRecord, timelapseFolder } from "../../../src/jobs/records/job-record.ts";
import { sharp } from "../../../src/pictures/sharp.ts";
import { joinFrames } from "../../../src/pictures/timelapse.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import type { JobRun } from "../../../workers/job/job-run.ts";
import { Timelapse } from "../../../workers/job/timelapse.ts";

const ID = "01890000-0000-7000-8000-000000000000";
let folder: string;
let store: FilesystemBlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-timelapse-"));
  store = new FilesystemBlobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A run whose record is as its updates make it. */
function runOf(record: { timelapse: JobRecord["timelapse"]; interval: number }): JobRun {
  const job = { id: ID, timelapse: record.timelapse, options: { timelapse_interval: record.interval } };
  const update = async (fields: JobFields) => void Object.assign(job, fields);
  const signal = new AbortController().signal;
  return { record: job as unknown as JobRecord, token: "run", signal, update, onSteered: () => undefined };
}

const picture = (width: number, height: number, seed = 1) => ({
  data: new Uint8Array(width * height * 3).map((_, index) => (index * 7919 * seed) % 256),
  width,
  height,
});

async function paint(run: JobRun, from: number, to: number, size = 24): Promise<void> {
  const timelapse = new Timelapse(store, run, (error) => {
    throw error;
  });
  for (let step = from; step <= to; step++) {
    timelapse.offer(step, picture(size, size, step));
    if (step % 2 === 0) await timelapse.settle();
  }
  await timelapse.settle();
}

async function steps(): Promise<number[]> {
  const found: number[] = [];
  for await (const { key } of store.list(timelapseFolder(ID)))
    found.push(Number.parseInt(key.split("/").at(-1) ?? "", 10));
  return found;
}

describe("The pictures kept for a timelapse", () => {
  it("are those of every so many steps", async () => {
    const run = runOf({ timelapse: null, interval: 3 });
    await paint(run, 1, 11);
    expect(await steps()).toEqual([3, 6, 9]);
    expect(run.record.timelapse).toEqual({ frames: 3, interval: 3 });
  });

  it("are never more than 48 however long the run, and evenly spread, also over two attempts", async () => {
    const run = runOf({ timelapse: null, interval: 1 });
    await paint(run, 1, 60);
    expect(run.record.timelapse).toEqual({ frames: 30, interval: 2 });
    await paint(run, 55, 130);
    const kept = await steps();
    expect(run.record.timelapse).toEqual({ frames: kept.length, interval: 4 });
    expect(kept).toEqual(Array.from({ length: 32 }, (_, index) => 4 * (index + 1)));
  });

  it("are none where the options say so", async () => {
    const run = runOf({ timelapse: null, interval: 0 });
    await paint(run, 1, 5);
    expect(await steps()).toEqual([]);
    expect(run.record.timelapse).toBeNull();
  });

  it("become an animation of the last one's size, which shows the last one longest", async () => {
    const run = runOf({ timelapse: null, interval: 1 });
    await paint(run, 1, 2, 20);
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
