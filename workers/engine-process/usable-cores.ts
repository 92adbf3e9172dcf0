import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/** The kernel's files about control groups. */
interface ControlGroupFiles {
  /** Lists the control groups of this process. */
  membership: string;
  /** The folder in which the hierarchies are mounted. */
  mount: string;
}

const SYSTEM: ControlGroupFiles = { membership: "/proc/self/cgroup", mount: "/sys/fs/cgroup" };

/**
 * The number of cores that this process may use: those it may run on, or fewer if a control group (of a container or a
 * systemd unit) limits its time. In a container with two of a machine's 64 cores, a pool of 64 threads would be throttled
 * most of the time.
 */
export function usableCores(files: ControlGroupFiles = SYSTEM): number {
  const quotas = controlGroupFolders(files).map(quota);
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(Math.min(...quotas))));
}

/**
 * The folders of this process's group and of its parents: each may set a limit. Inside a container the mount is often the
 * container's own group while the membership file shows the host's path, so the mount itself always counts.
 */
function controlGroupFolders({ membership, mount }: ControlGroupFiles): string[] {
  const folders = [mount, join(mount, "cpu")];
  // Lines such as "0::/system.slice/nst.service" (version 2) and "4:cpu,cpuacct:/docker/1f…" (version 1).
  for (const line of (read(membership) ?? "").split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const isVersion1 = controllers.split(",").includes("cpu");
    if (path === "" || !(controllers === "" || isVersion1)) continue;
    const hierarchy = isVersion1 ? join(mount, "cpu") : mount;
    for (let group = path; group !== "/"; group = dirname(group)) folders.push(join(hierarchy, group));
  }
  return folders;
}

/** A control group's limit in cores, of version 2 or 1; Infinity without a limit. */
function quota(folder: string): number {
  const [limit, period] = read(join(folder, "cpu.max"))?.split(" ") ?? [
    read(join(folder, "cpu.cfs_quota_us")),
    read(join(folder, "cpu.cfs_period_us")),
  ];
  const cores = Number(limit) / Number(period);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
