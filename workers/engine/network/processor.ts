import { readFileSync } from "node:fs";

/** A kind of processor that the native kernels are compiled for. */
export type Processor = "neon" | "avx2" | "avx512";

/** What an x86-64 needs for each, in the words of Linux; the most capable first. */
const INSTRUCTIONS: [Processor, string[]][] = [
  ["avx512", ["avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"]],
  ["avx2", ["avx2", "fma"]],
];

/** The kinds that this machine's processor is, the most capable first. */
export function processorsHere(
  architecture = process.arch,
  cpuinfo = () => readFileSync("/proc/cpuinfo", "utf8"),
): Processor[] {
  if (architecture === "arm64") {
    return ["neon"];
  }
  // Linux leaves out what the processor has and the system does not let programs use.
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readSafely(cpuinfo))?.[1]?.trim().split(/\s+/));
  return INSTRUCTIONS.filter(([, needed]) => needed.every((flag) => flags.has(flag))).map(([name]) => name);
}

function readSafely(read: () => string): string {
  try {
    return read();
  } catch {
    return ""; // not Linux
  }
}
