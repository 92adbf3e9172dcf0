import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/** Where the kernel tells of control groups. */
interface ControlGroupFiles {
  /** The file that names this process's groups. */
  membership: string;
  /** The folder that their hierarchies are mounted in. */
  mount: string;
}

const SYSTEM: ControlGroupFiles = { membership: "/proc/self/cgroup", mount: "/sys/fs/cgroup" };

/**
 * Cores that this process may use: those it may run on, or fewer if a control group (of a container or a systemd unit)
 * gets less time. A pool with a thread for each core of a large machine would be stopped most of the time in a container
 * that gets two.
 */
export function usableCores(files: ControlGroupFiles = SYSTEM): number {
  const quotas = controlGroupFolders(files).map(quota);
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(Math.min(...quotas))));
}

/**
 * The folders of this process's group and of all that contain it: each may set a limit. Inside a container the mount is
 * often the container's own group, whose path the process is still told in full: the mount itself always counts.
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

/** Cores' worth of time that a control group gets, of version 2 or 1; Infinity if it sets no limit. */
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
