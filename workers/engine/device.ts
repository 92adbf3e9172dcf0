import { readdirSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { EngineDescription } from "./protocol.ts";
import { isUsingGpu, tensorflowVersion } from "./tensorflow.ts";

const MIB = 2 ** 20;

/** What TensorFlow computes on and how much memory the engine may use. */
export function describeDevice(): EngineDescription {
  const gpu = isUsingGpu();
  return {
    device: gpu ? "gpu" : "cpu",
    name: gpu ? gpuName() : (cpus()[0]?.model ?? "unknown").trim(),
    tensorflow: tensorflowVersion(),
    memory_mib: Math.floor(memoryLimit() / MIB),
  };
}

/** Bytes of main memory: the machine's, or less where a control group (a container) is given less. */
export function memoryLimit(): number {
  const limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].map(readNumber);
  return Math.min(totalmem(), ...limits.filter((limit) => limit !== undefined));
}

function readNumber(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, "utf8"));
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined; // no such control group
  }
}

/** The first card's model, as NVIDIA's driver lists it. */
function gpuName(): string {
  try {
    const folder = "/proc/driver/nvidia/gpus";
    const [first] = readdirSync(folder);
    const information = readFileSync(join(folder, first ?? "", "information"), "utf8");
    return /Model:\s*(.+)/.exec(information)?.[1]?.trim() ?? "GPU";
  } catch {
    return "GPU"; // the driver's listing is not visible in every container
  }
}
