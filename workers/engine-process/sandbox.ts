import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/root.ts";
import { engineFiles, everythingBut } from "./readable-paths.ts";

const PROGRAM = join(ROOT, "build", "nst-sandbox");

/** A program that starts another one in a sandbox: see workers/sandbox/sandbox.cc. */
export interface Sandbox {
  program: string;
  /** Arguments of the sandbox, before the sandboxed program and its own arguments. It starts nothing if one cannot be applied. */
  arguments: string[];
  /** What the program is kept from, for the log. */
  restrictions: string[];
  /** What this kernel cannot keep it from, for the log. */
  unavailable: string[];
}

export interface SandboxSettings {
  /** An existing folder, the only one that the program may write to. */
  scratch: string;
  /** The service's data, which the program may not read. */
  dataDirectory: string;
  /** NST_VGG19_WEIGHTS. */
  weights: string | null;
  environment: NodeJS.ProcessEnv;
  /** Whether the machine has NVIDIA's driver, whose libraries may need Unix sockets and files that nobody has listed yet. */
  hasNvidiaDriver?: boolean;
}

/** null if the kernel supports no restriction, or if set-up has not built the sandbox (macOS, for example). */
export async function createSandbox(settings: SandboxSettings): Promise<Sandbox | null> {
  const { scratch, dataDirectory, environment } = settings;
  const hasNvidiaDriver = settings.hasNvidiaDriver ?? existsSync("/proc/driver/nvidia/version");
  const checked = await promisify(execFile)(PROGRAM, ["--check"]).catch(() => ({ stdout: "" }));
  const supported = checked.stdout.split("\n");
  const restrictions = Object.entries({
    ...(hasNvidiaDriver ? { "--network": "sockets except local ones" } : { "--sockets": "sockets" }),
    "--processes": "other processes",
    "--permissions": "file permissions",
    "--writes": "file writes",
    "--reads": hasNvidiaDriver ? "reads of DATA_DIR" : "file reads",
  });
  const applied = restrictions.filter(([option]) => supported.includes(option));
  if (applied.length === 0) return null;
  const writable = [scratch, "/dev/null", "/dev/shm", ...gpuPaths(environment)];
  const readable = [
    ...engineFiles(settings.weights ?? undefined),
    ...(hasNvidiaDriver ? everythingBut(dataDirectory) : []),
  ];
  return {
    program: PROGRAM,
    arguments: [
      ...applied.map(([option]) => option),
      ...writable.map((path) => `--write=${path}`),
      ...readable.map((path) => `--read=${path}`),
      "--",
    ],
    restrictions: applied.map(([, name]) => name),
    unavailable: restrictions.filter((one) => !applied.includes(one)).map(([, name]) => name),
  };
}

/** NVIDIA's devices, and the folder in which CUDA caches compiled kernels. */
function gpuPaths({ CUDA_CACHE_PATH }: NodeJS.ProcessEnv): string[] {
  const devices = readdirSync("/dev").filter((name) => name.startsWith("nvidia"));
  if (devices.length === 0) return [];
  return [...devices.map((name) => join("/dev", name)), CUDA_CACHE_PATH ?? join(homedir(), ".nv")];
}
