import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { Kernels } from "./network/kernels.ts";
import { isUsingGpu, tensorflowVersion } from "./tensorflow.ts";

const MIB = 2 ** 20;

/** What TensorFlow computes on, by which kernels, and how much memory the engine may use. */
export function describeDevice({ name: kernels }: Pick<Kernels, "name">, card?: string): EngineDescription {
  const tensorflow = tensorflowVersion();
  if (isUsingGpu()) {
    return { device: "gpu", kernels, tensorflow, ...describeGpu(card) };
  }
  const name = (cpus()[0]?.model ?? "unknown").trim();
  return { device: "cpu", name, kernels, tensorflow, memory_mib: Math.floor(mainMemory() / MIB) };
}

/** Bytes that a painting may take: what is free now, or the engine's already, less a tenth for everybody else. */
export function availableMemory(device: EngineDescription): number {
  const free =
    device.device === "gpu" ? device.memory_mib * MIB : process.availableMemory() + process.memoryUsage.rss();
  return 0.9 * Math.min(free, device.device === "gpu" ? free : mainMemory());
}

/** The machine's memory, or less where a control group (a container) is given less. */
function mainMemory(): number {
  const constrained = process.constrainedMemory() ?? 0;
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** A card by its number or UUID, or the machine's first, as NVIDIA's driver tells it: it does not know of CUDA_VISIBLE_DEVICES. */
function describeGpu(card = "0"): { name: string; memory_mib: number } {
  const query = [`--id=${card}`, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];
  const [line = ""] = execFileSync("nvidia-smi", query, { encoding: "utf8" }).split("\n");
  const [name = "GPU", memory = "0"] = line.split(",").map((field) => field.trim());
  return { name, memory_mib: Number(memory) };
}
