import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/root.ts";

const PROGRAM = join(ROOT, "build", "nst-confine");

/** Starts a program so that it has no network and writes only where it may: see confine/confine.cc. */
export interface Confinement {
  program: string;
  /** Come before the confined program and its own. */
  arguments: string[];
  /** What this kernel holds it to: `sockets`, `files`. */
  holds: string[];
}

/**
 * The confinement of an engine that writes into `scratch` only, which is there already; null where set-up has not built
 * it (on macOS, say) or the kernel has nothing to confine with.
 */
export async function confinementOf(
  scratch: string,
  environment: NodeJS.ProcessEnv,
): Promise<Confinement | null> {
  const checked = await promisify(execFile)(PROGRAM, ["--check"]).catch(() => ({ stdout: "" }));
  const holds = checked.stdout.split("\n").filter((word) => word !== "");
  if (holds.length === 0) return null;
  const paths = [scratch, "/dev/null", "/dev/shm", ...cardPaths(environment)];
  const sockets = existsSync("/proc/driver/nvidia/version") ? ["--local-sockets"] : [];
  return { program: PROGRAM, arguments: [...sockets, ...paths, "--"], holds };
}

/** NVIDIA's devices, and where CUDA keeps what it compiled for a card. */
function cardPaths({ CUDA_CACHE_PATH }: NodeJS.ProcessEnv): string[] {
  const devices = readdirSync("/dev").filter((name) => name.startsWith("nvidia"));
  if (devices.length === 0) return [];
  return [...devices.map((name) => join("/dev", name)), CUDA_CACHE_PATH ?? join(homedir(), ".nv")];
}
