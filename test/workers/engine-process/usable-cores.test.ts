import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { usableCores } from "../../../workers/engine-process/usable-cores.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
const all = availableParallelism();

/** The usable cores of a process in these control groups, whose files say this. */
async function coresWith(files: Record<string, string>, membership = "0::/"): Promise<number> {
  const mount = await mkdtemp(join(folder(), "cgroup-"));
  for (const [name, text] of Object.entries({ ...files, membership })) {
    await mkdir(dirname(join(mount, name)), { recursive: true });
    await writeFile(join(mount, name), `${text}\n`);
  }
  return usableCores({ membership: join(mount, "membership"), mount });
}

const ONE_CORE_VERSION_1 = (group: string) => ({
  [`cpu${group}/cpu.cfs_quota_us`]: "50000",
  [`cpu${group}/cpu.cfs_period_us`]: "100000",
});

describe("The usable cores", () => {
  it("are the machine's if nothing limits them", async () => {
    expect(await coresWith({})).toBe(all);
    expect(await coresWith({ "cpu.max": "max 100000" })).toBe(all);
    expect(await coresWith({ "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000" })).toBe(all);
  });

  it("are as many as a container's control group gets time for, of either version, and one at least", async () => {
    expect(await coresWith({ "cpu.max": "90000 100000" })).toBe(1);
    expect(await coresWith({ "cpu.max": "1000 100000" })).toBe(1);
    expect(await coresWith({ "cpu.max": "110000 100000" })).toBe(Math.min(all, 2));
    expect(await coresWith(ONE_CORE_VERSION_1(""))).toBe(1);
    // The path is the host's, the mount the container's own.
    expect(await coresWith({ "cpu.max": "90000 100000" }, "0::/docker/1f2e")).toBe(1);
  });

  it("are as many as a systemd unit gets, or any slice that it is in", async () => {
    const unit = "0::/system.slice/nst.service";
    expect(await coresWith({ "system.slice/nst.service/cpu.max": "50000 100000" }, unit)).toBe(1);
    expect(await coresWith({ "system.slice/cpu.max": "50000 100000" }, unit)).toBe(1);
    const hybrid = "4:cpu,cpuacct:/system.slice/nst.service\n1:name=systemd:/other\n0::/system.slice";
    expect(await coresWith(ONE_CORE_VERSION_1("/system.slice/nst.service"), hybrid)).toBe(1);
    expect(await coresWith({ "other.slice/cpu.max": "50000 100000" }, unit)).toBe(all);
  });
});
