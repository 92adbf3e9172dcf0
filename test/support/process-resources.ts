import { readdir, readFile, readlink } from "node:fs/promises";

/** Open files, sockets and other handles of a process, by kind. Empty except on Linux. */
export type Handles = Record<string, number>;

export async function openHandles(pid: number): Promise<Handles> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => null)));
  const handles: Handles = {};
  for (const target of targets) {
    if (target === null) continue;
    const kind = target.startsWith("/") ? "file" : (/^[a-z_]+/.exec(target)?.[0] ?? target);
    handles[kind] = (handles[kind] ?? 0) + 1;
  }
  return handles;
}

/** How many handles were added, over all kinds. */
export function countAdded(before: Handles, after: Handles): number {
  return Object.entries(after).reduce(
    (sum, [kind, count]) => sum + Math.max(0, count - (before[kind] ?? 0)),
    0,
  );
}

/** Resident memory of a process and its peak, in MiB. 0 except on Linux. */
export async function processMemory(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  return { now: field("VmRSS"), peak: field("VmHWM") };
}
