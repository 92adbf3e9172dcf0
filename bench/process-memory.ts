import { readFile } from "node:fs/promises";

/** A process's resident memory, current and peak, in MiB (Linux). */
export async function processMemory(pid: number): Promise<{ currentMib: number; peakMib: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mib = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  return { currentMib: mib("VmRSS"), peakMib: mib("VmHWM") };
}
