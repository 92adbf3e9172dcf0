import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { sharp } from "../../src/pictures/sharp.ts";
import type { WorkerSetting } from "./worker-setting.ts";

/** The pixels of a succeeded job's result. (The files differ: each names its job.) */
export async function pixelsOf(setting: WorkerSetting, record: JobRecord): Promise<string> {
  const bytes = await setting.store.read(record.result?.key ?? "no result");
  return (await sharp(bytes).raw().toBuffer()).toString("base64");
}
