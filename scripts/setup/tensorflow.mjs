import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { SetupFailure } from "./failure.mjs";
import { TENSORFLOW, TENSORFLOW_CPU, TENSORFLOW_GPU } from "./pinned-packages.mjs";
import { unpackWheels } from "./wheels.mjs";

/**
 * @typedef {object} TensorFlow
 * @property {string} key names this build of it, for what is compiled against it
 * @property {string} library the folder of libtensorflow_cc and libtensorflow_framework
 * @property {string} include the folder of its headers
 */

/** @returns {import("./pinned-packages.mjs").Platform} */
export function checkPlatform(platform = process.platform, arch = process.arch, lib = "/lib") {
  const name = `${platform}-${arch}`;
  const remedy = "Use Linux (x86-64 or arm64, with glibc) or macOS on Apple silicon; on Windows, use WSL 2.";
  if (!(name in TENSORFLOW_CPU)) {
    throw new SetupFailure(`TensorFlow ${TENSORFLOW} has no build for ${name}.`, remedy);
  }
  if (
    platform === "linux" &&
    existsSync(lib) &&
    readdirSync(lib).some((file) => file.startsWith("ld-musl-"))
  ) {
    throw new SetupFailure("TensorFlow needs glibc, and this Linux has musl (Alpine?).", remedy);
  }
  return /** @type {import("./pinned-packages.mjs").Platform} */ (name);
}

/** Whether an NVIDIA driver is loaded (its Linux kernel module, or WSL's). */
export function hasNvidiaDriver() {
  return ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1"].some(existsSync);
}

/**
 * TensorFlow's C++ library and headers, out of the Python wheel: no Python runs later.
 * The wheels' folder layout stays, since the GPU libraries find each other by it ($ORIGIN/../nvidia/cublas/lib …).
 * @param {string} cache
 * @param {"cpu" | "gpu"} flavour
 * @param {(line: string) => void} log
 * @returns {Promise<TensorFlow>}
 */
export async function installTensorFlow(cache, flavour, log) {
  const platform = checkPlatform();
  if (flavour === "gpu" && platform !== "linux-x64") {
    throw new SetupFailure(
      `There is no GPU build of TensorFlow ${TENSORFLOW} for ${platform}.`,
      "Run set-up with --cpu.",
    );
  }
  const key = `tensorflow-${TENSORFLOW}-${flavour}-${platform}`;
  const folder = join(cache, key);
  const library = join(folder, "tensorflow");
  const wheels = flavour === "gpu" ? TENSORFLOW_GPU : [TENSORFLOW_CPU[platform]];
  const parts = wheels.map((wheel) => ({ wheel, take: contents(wheel.name) }));
  await unpackWheels(cache, folder, parts, log);
  return { key, library, include: join(library, "include") };
}

/** @param {string} wheel */
function contents(wheel) {
  if (wheel.startsWith("nvidia-")) return ["nvidia/"];
  return ["tensorflow/libtensorflow_cc.", "tensorflow/libtensorflow_framework.", "tensorflow/include/"];
}
