import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Painter } from "../../clients/typescript/index.ts";
import { ROOT } from "../../src/root.ts";
import { connect, connectOrEmbed, type ServerFlags } from "../connection.ts";
import { CommandError, EXIT } from "../exit-codes.ts";
import { colors, type Terminal, writeJson } from "../terminal.ts";

interface Finding {
  name: string;
  state: "ok" | "notice" | "missing";
  found: string;
}

const GIB = 1024 ** 3;
/** Little enough to be done soon, enough for the first step, which loads much, not to count. */
const TRIAL = { preset: "draft", size: 256, steps: 6, scales: 1, preview_interval: 0 } as const;

/** `nst doctor`: what is installed here, what is missing, which device paints, and how fast one step is. */
export async function doctor(terminal: Terminal, flags: ServerFlags & { json?: boolean }): Promise<void> {
  const findings: Finding[] = [];
  const add = (finding: Finding) => {
    findings.push(finding);
    if (!flags.json) terminal.out.write(`${line(terminal, finding)}\n`);
  };
  if (flags.server === undefined) for (const finding of await installed()) add(finding);
  const missing = () => findings.some(({ state }) => state === "missing");
  if (!missing()) {
    const connection = flags.server ? connect(flags, terminal) : await connectOrEmbed(flags, terminal);
    try {
      for await (const finding of serviceFindings(connection.painter)) add(finding);
    } finally {
      await connection.close();
    }
  }
  if (flags.json) writeJson(terminal, { ok: !missing(), findings });
  if (missing())
    throw new CommandError("Something is missing: see above. npm run setup installs it.", EXIT.failed);
}

/** What is on this machine's disk. */
async function installed(): Promise<Finding[]> {
  const report = reportOfSetup();
  const redis = await versionOf(report.redis_server ?? "redis-server");
  const kernels = builtKernels();
  const free = statfsSync(ROOT);
  const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;
  return [
    { name: "Node", state: "ok", found: process.version },
    {
      name: "cores, memory",
      state: "ok",
      found: `${availableParallelism()}, ${gib(freemem())} free of ${gib(totalmem())}`,
    },
    { name: "disk", state: "ok", found: `${gib(free.bavail * free.bsize)} free` },
    {
      name: "TensorFlow",
      state: report.tensorflow && existsSync(report.tensorflow) ? "ok" : "missing",
      found: report.tensorflow ?? "not installed",
    },
    {
      name: "native kernels",
      state: kernels.length ? "ok" : "notice",
      found: kernels.join(", ") || "not built",
    },
    { name: "redis-server", state: redis ? "ok" : "missing", found: redis ?? "not found" },
    {
      name: "NVIDIA driver",
      state: existsSync("/proc/driver/nvidia/version") ? "ok" : "notice",
      found: existsSync("/proc/driver/nvidia/version") ? "loaded" : "none: the processor paints",
    },
  ];
}

function reportOfSetup(): { tensorflow?: string; redis_server?: string } {
  try {
    return JSON.parse(readFileSync(join(ROOT, "build/setup.json"), "utf8"));
  } catch {
    return {};
  }
}

/** The processors that kernels were compiled for. */
function builtKernels(): string[] {
  const build = join(ROOT, "build");
  const files = existsSync(build) ? readdirSync(build) : [];
  return files.flatMap((file) => /^nst_kernels-(.+)\.node$/.exec(file)?.[1] ?? []).sort();
}

async function versionOf(program: string): Promise<string | null> {
  const { stdout } = await promisify(execFile)(program, ["--version"]).catch(() => ({ stdout: "" }));
  return /v=([\d.]+)/.exec(stdout)?.[1] ?? (stdout.trim() || null);
}

/** What the service says of itself, and how long a step takes it. */
async function* serviceFindings(painter: Painter): AsyncGenerator<Finding> {
  const { data, error } = await painter.api.GET("/readyz");
  const readiness = data ?? error;
  if (!readiness) throw new CommandError("The service says nothing of itself", EXIT.failed);
  for (const [name, { ok, reason }] of Object.entries(readiness.checks)) {
    yield { name, state: ok ? "ok" : "missing", found: ok ? "ready" : (reason ?? "not ready") };
  }
  for (const { device, name, kernels, tensorflow } of readiness.engines ?? []) {
    yield {
      name: "device",
      state: "ok",
      found: `${device.toUpperCase()} ${name}, kernels ${kernels}, TensorFlow ${tensorflow}`,
    };
  }
  if (readiness.status === "ready") yield await trial(painter);
}

/** A few steps on a picture of grey noise. */
async function trial(painter: Painter): Promise<Finding> {
  const { picture } = await import("../trial-picture.ts");
  const blob = () => new Blob([new Uint8Array(picture())], { type: "image/png" });
  const submitted = await painter.submit({ content: blob(), style: [blob()], options: TRIAL });
  let stepMs: number | null = null;
  const job = await painter.wait(submitted.id, {
    onUpdate: ({ job: now }) => {
      stepMs = now.progress?.step_ms ?? stepMs;
    },
  });
  await painter.delete(job.id).catch(() => undefined);
  if (job.status !== "succeeded")
    return { name: "a step", state: "missing", found: job.error?.message ?? job.status };
  return {
    name: "a step",
    state: "ok",
    found: stepMs === null ? "done" : `${Math.round(stepMs)} ms at 256 × 256 px`,
  };
}

function line(terminal: Terminal, { name, state, found }: Finding): string {
  const { green, yellow, red } = colors(terminal);
  const mark = { ok: green("ok     "), notice: yellow("notice "), missing: red("MISSING") }[state];
  return `${mark}  ${name.padEnd(15)} ${found}`;
}
