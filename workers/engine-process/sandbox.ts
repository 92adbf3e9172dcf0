import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/root.ts";

const PROGRAM = join(ROOT, "build", "nst-sandbox");

/** A program that starts another one without network access and with few writable paths: see workers/sandbox/sandbox.cc. */
export interface Sandbox {
  program: string;
  /** Arguments of the sandbox, before the sandboxed program and its own arguments. */
  arguments: string[];
  /** What this kernel can restrict: `sockets`, `files`. */
  restrictions: string[];
}

/**
 * A sandbox whose program writes only to `scratch`, an existing folder. null if the kernel supports no restriction, or if
 * set-up has not built the sandbox (macOS, for example).
 */
export async function createSandbox(
  scratch: string,
  environment: NodeJS.ProcessEnv,
): Promise<Sandbox | null> {
  const checked = await promisify(execFile)(PROGRAM, ["--check"]).catch(() => ({ stdout: "" }));
  const restrictions = checked.stdout.split("\n").filter((line) => line !== "");
  if (restrictions.length === 0) return null;
  const paths = [scratch, "/dev/null", "/dev/shm", ...gpuPaths(environment)];
  const options = existsSync("/proc/driver/nvidia/version") ? ["--local-sockets"] : [];
  return { program: PROGRAM, arguments: [...options, ...paths, "--"], restrictions };
}

/** NVIDIA's devices, and the folder in which CUDA caches compiled kernels. */
function gpuPaths({ CUDA_CACHE_PATH }: NodeJS.ProcessEnv): string[] {
  const devices = readdirSync("/dev").filter((name) => name.startsWith("nvidia"));
  if (devices.length === 0) return [];
  return [...devices.map((name) => join("/dev", name)), CUDA_CACHE_PATH ?? join(homedir(), ".nv")];
}
