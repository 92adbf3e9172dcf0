import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { usableCores } from "../../../workers/engine-process/usable-cores.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const all = availableParallelism();

/** The cores in control groups whose files say this. */
async function coresWith(files: Record<string, string>): Promise<number> {
  const groups = await mkdtemp(join(folder(), "cgroup-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(groups, name)), { recursive: true });
    await writeFile(join(groups, name), `${text}\n`);
  }
  return usableCores(groups);
}

describe("The cores that a process may use", () => {
  it("are those of the machine where nothing limits them", async () => {
    expect(await coresWith({})).toBe(all);
    expect(await coresWith({ "cpu.max": "max 100000" })).toBe(all);
    expect(await coresWith({ "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000" })).toBe(all);
  });

  it("are as many as its control group gives time for, of either version, and one at least", async () => {
    expect(await coresWith({ "cpu.max": "90000 100000" })).toBe(1);
    expect(await coresWith({ "cpu.max": "1000 100000" })).toBe(1);
    expect(await coresWith({ "cpu.max": "110000 100000" })).toBe(Math.min(all, 2));
    const half = { "cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000" };
    expect(await coresWith(half)).toBe(1);
  });
});
