import type { CaseReport } from "./abuse.ts";

const PAUSE_MS = 250;
const API_MIB = 512;
const ALL_MIB = 1_024;
const OTHER_OWNER_MS = 2_000;

/** What of a case is beyond the limits. Times depend on what else the machine does: a short run does not judge them. */
export function violations(report: CaseReport, judgesTimes: boolean): string[] {
  const { worst_pause_ms, machine_pause_ms, peak_mib, decoder_peak_mib, other_owner_ms, left, wrong } =
    report;
  const found = [...wrong];
  if (peak_mib > API_MIB) found.push(`the API took ${peak_mib} MiB`);
  if (peak_mib + decoder_peak_mib > ALL_MIB)
    found.push(`the API and its processes took ${peak_mib + decoder_peak_mib} MiB`);
  for (const [what, count] of Object.entries(left)) if (count > 0) found.push(`left ${what}: ${count}`);
  if (judgesTimes) {
    // A pause that every process of the machine made is not the API's.
    if (worst_pause_ms - machine_pause_ms > PAUSE_MS)
      found.push(`the event loop paused ${worst_pause_ms} ms`);
    if (other_owner_ms > OTHER_OWNER_MS) found.push(`another owner waited ${other_owner_ms} ms`);
  }
  return found;
}
