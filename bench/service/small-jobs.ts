/**
 * Small jobs through a real worker (queue, pictures, engine), one at a time and several at once, in turn: how long all
 * take together, and each by itself.
 *
 *     npm run bench:small-jobs -- --jobs 20 --size 128 --at-once 1,4 --rounds 2 --json
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { JobRecord } from "../../src/queue/records/job-record.ts";
import { WorkerSetting } from "../../test/support/worker-setting.ts";
import { samplePath } from "../sample-picture.ts";
import { median } from "../statistics.ts";

const { values: flags } = parseArgs({
  options: {
    jobs: { type: "string", default: "20" },
    size: { type: "string", default: "128" },
    "at-once": { type: "string", default: "1,4" },
    rounds: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const [jobs, size, rounds] = [flags.jobs, flags.size, flags.rounds].map(Number) as [number, number, number];
const counts = flags["at-once"].split(",").map(Number);

const setting = await WorkerSetting.create();
try {
  const seconds = new Map(counts.map((atOnce) => [atOnce, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const atOnce of counts) {
      const { all, each } = await paintAll(atOnce);
      seconds.get(atOnce)?.push(all);
      console.log(
        `${atOnce} at once: ${jobs} jobs of ${size} px in ${all.toFixed(1)} s; each ${each.toFixed(1)} s (median)`,
      );
    }
  }
  const results = counts.map((atOnce) => {
    const all = median(seconds.get(atOnce) ?? []);
    return { at_once: atOnce, jobs_per_minute: (60 * jobs) / all };
  });
  const [first] = results;
  for (const { at_once, jobs_per_minute } of results) {
    const ratio = (jobs_per_minute / (first?.jobs_per_minute ?? 0)).toFixed(2);
    console.log(`${at_once} at once: ${jobs_per_minute.toFixed(1)} jobs a minute, ${ratio} times the first`);
  }
  if (flags.json) console.log(JSON.stringify({ size, jobs, small_jobs: results }));
} finally {
  await setting.close();
}

/** Seconds from the first start to the last end, and from a job's start to its end. */
async function paintAll(atOnce: number): Promise<{ all: number; each: number }> {
  const worker = await setting.startWorker({ NST_VGG19_WEIGHTS: "", ENGINE_JOBS_AT_ONCE: String(atOnce) });
  const [content, style] = await Promise.all([
    sharp(samplePath("content")).resize(size, size, { fit: "cover" }).png().toBuffer(),
    readFile(samplePath("style")),
  ]);
  const ids: string[] = [];
  for (let job = 0; job < jobs; job += 1) {
    const id = v7();
    const [contentKey, styleKey] = [`jobs/${id}/content`, `jobs/${id}/style-0`];
    await setting.store.put(contentKey, content);
    await setting.store.put(styleKey, style);
    const options = resolveOptions({ preset: "draft", size }, job);
    await setting.queue.submit({ id, options, content: contentKey, styles: [styleKey] });
    ids.push(id);
  }
  const records: JobRecord[] = [];
  for (const id of ids) records.push(await setting.untilEnded(id, 600_000));
  await worker.end();
  const failed = records.find(({ status }) => status !== "succeeded");
  if (failed) throw new Error(`A job ended as ${failed.status}: ${JSON.stringify(failed.error)}`);
  const times = (field: "started_at" | "finished_at") =>
    records.map((record) => Date.parse(record[field] ?? "") / 1000);
  const [begun, ended] = [times("started_at"), times("finished_at")];
  return {
    all: Math.max(...ended) - Math.min(...begun),
    each: median(ended.map((end, index) => end - (begun[index] ?? 0))),
  };
}
