import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { NstClient } from "../../clients/typescript/index.ts";
import { ROOT } from "../../src/root.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { connect, connectOrEmbed, type ServerFlags } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { createSamplePicture } from "../synthetic-picture.ts";
import { colors, type Terminal, writeJson } from "../terminal.ts";

interface Check {
  name: string;
  status: "ok" | "warning" | "failed";
  detail: string;
}

const GIB = 1024 ** 3;
/** Short, but with enough steps that the first one, which loads the weights, does not decide the step time. */
const BENCHMARK_OPTIONS = { preset: "draft", size: 256, steps: 6, scales: 1, preview_interval: 0 } as const;

/** `nst doctor`: checks the installation and the service, and measures the time of a step. */
export async function doctor(terminal: Terminal, flags: ServerFlags & { json?: boolean }): Promise<void> {
  const checks: Check[] = [];
  const add = (check: Check) => {
    checks.push(check);
    if (!flags.json) terminal.out.write(`${formatCheck(terminal, check)}\n`);
  };
  if (flags.server === undefined) for (const check of await checkInstallation(terminal)) add(check);
  const hasFailed = () => checks.some(({ status }) => status === "failed");
  if (!hasFailed()) {
    const connection = flags.server ? connect(flags, terminal) : await connectOrEmbed(flags, terminal);
    try {
      for await (const check of checkService(connection.client)) add(check);
    } finally {
      await connection.close();
    }
  }
  if (flags.json) writeJson(terminal, { ok: !hasFailed(), checks });
  if (hasFailed())
    throw new CommandError("Some checks failed. npm run setup installs what is missing.", EXIT.failed);
}

/** Checks what is installed on this machine. */
async function checkInstallation({ environment }: Terminal): Promise<Check[]> {
  const setup = readSetupReport();
  const redis = await versionOf(setup.redis_server ?? "redis-server");
  const kernels = builtKernels();
  const disk = statfsSync(ROOT);
  const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;
  const hasTensorFlow = setup.tensorflow !== undefined && existsSync(setup.tensorflow);
  const hasNvidiaDriver = existsSync("/proc/driver/nvidia/version");
  return [
    { name: "Node", status: "ok", detail: process.version },
    { name: "CPU cores", status: "ok", detail: String(availableParallelism()) },
    { name: "memory", status: "ok", detail: `${gib(freemem())} free of ${gib(totalmem())}` },
    { name: "disk", status: "ok", detail: `${gib(disk.bavail * disk.bsize)} free` },
    {
      name: "TensorFlow",
      status: hasTensorFlow ? "ok" : "failed",
      detail: setup.tensorflow ?? "not installed",
    },
    {
      name: "native kernels",
      status: kernels.length > 0 ? "ok" : "warning",
      detail: kernels.join(", ") || "not built",
    },
    await checkWeights(environment.NST_VGG19_WEIGHTS || undefined),
    { name: "redis-server", status: redis ? "ok" : "failed", detail: redis ?? "not found" },
    {
      name: "NVIDIA driver",
      status: hasNvidiaDriver ? "ok" : "warning",
      detail: hasNvidiaDriver ? "loaded" : "not loaded: jobs run on the CPU",
    },
  ];
}

/** Names the weights and the SHA-256 of their bytes: of a folder's files one after the other, by name. */
async function checkWeights(configured: string | undefined): Promise<Check> {
  const name = "weights";
  try {
    const file = findWeights(ROOT, configured);
    if (file.startsWith("random:")) return { name, status: "warning", detail: `${file}: random weights` };
    const shards = file.endsWith(".json") ? readdirSync(dirname(file)).sort() : [basename(file)];
    const hash = createHash("sha256");
    for (const shard of shards)
      await pipeline(createReadStream(join(dirname(file), shard)), hash, { end: false });
    return { name, status: "ok", detail: `${file}, sha256 ${hash.digest("hex")}` };
  } catch (error) {
    return { name, status: "failed", detail: error instanceof Error ? error.message : String(error) };
  }
}

function readSetupReport(): { tensorflow?: string; redis_server?: string } {
  try {
    return JSON.parse(readFileSync(join(ROOT, "build/setup.json"), "utf8"));
  } catch {
    return {};
  }
}

/** The instruction sets that the native kernels were compiled for. */
function builtKernels(): string[] {
  const build = join(ROOT, "build");
  const files = existsSync(build) ? readdirSync(build) : [];
  return files.flatMap((file) => /^nst_kernels-(.+)\.node$/.exec(file)?.[1] ?? []).sort();
}

async function versionOf(program: string): Promise<string | null> {
  const { stdout } = await promisify(execFile)(program, ["--version"]).catch(() => ({ stdout: "" }));
  return /v=([\d.]+)/.exec(stdout)?.[1] ?? (stdout.trim() || null);
}

/** Reads the service's readiness and measures a step. */
async function* checkService(client: NstClient): AsyncGenerator<Check> {
  const { data, error } = await client.api.GET("/readyz");
  const readiness = data ?? error;
  if (!readiness) throw new CommandError("GET /readyz returned no report", EXIT.failed);
  for (const [name, { ok, reason }] of Object.entries(readiness.checks)) {
    yield { name, status: ok ? "ok" : "failed", detail: ok ? "ready" : (reason ?? "not ready") };
  }
  for (const { device, name, kernels, tensorflow } of readiness.engines ?? []) {
    yield {
      name: "device",
      status: "ok",
      detail: `${device.toUpperCase()} ${name}, kernels ${kernels}, TensorFlow ${tensorflow}`,
    };
  }
  if (readiness.status === "ready") yield await measureStep(client);
}

async function measureStep(client: NstClient): Promise<Check> {
  const picture = () => new Blob([new Uint8Array(createSamplePicture())], { type: "image/png" });
  const { id } = await client.submit({ content: picture(), style: [picture()], options: BENCHMARK_OPTIONS });
  let stepMs: number | null = null;
  const job = await client.wait(id, {
    onUpdate: ({ job }) => {
      stepMs = job.progress?.step_ms ?? stepMs;
    },
  });
  await client.delete(id).catch(() => undefined);
  if (job.status !== "succeeded")
    return { name: "step time", status: "failed", detail: job.error?.message ?? job.status };
  const detail = stepMs === null ? "unknown" : `${Math.round(stepMs)} ms at 256 × 256 px`;
  return { name: "step time", status: "ok", detail };
}

function formatCheck(terminal: Terminal, { name, status, detail }: Check): string {
  const { green, yellow, red } = colors(terminal);
  const label = { ok: green("ok     "), warning: yellow("warning"), failed: red("FAILED ") }[status];
  return `${label}  ${name.padEnd(15)} ${detail}`;
}
