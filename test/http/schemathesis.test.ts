import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";
import { announce } from "../support/announced-worker.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";

const { installSchemathesis } = await import(`${ROOT}/scripts/setup/schemathesis.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const SECONDS = { each: 15, stateful: 10 };
const CHECKS = [
  ...["not_a_server_error", "status_code_conformance", "content_type_conformance"],
  ...["response_headers_conformance", "response_schema_conformance"],
];

let service: TestService;
let folder: string;
let presence: NodeJS.Timeout;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-schemathesis-"));
  service = await TestService.start({ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0" });
  // The service is ready for jobs, as /readyz says.
  const ready = () => announce(service, { pace: 0.01, free_in: 0 });
  await ready();
  presence = setInterval(() => void ready().catch(() => undefined), 2_000);
});
afterAll(async () => {
  clearInterval(presence);
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Ids of jobs in several states; those that have succeeded stay so, whatever is asked of them, or are deleted. */
async function someJobs(): Promise<{ all: string[]; succeeded: string[] }> {
  const submit = async () => {
    const response = await service.fetch("/v1/jobs", { method: "POST", body: await form() });
    return ((await response.json()) as { id: string }).id;
  };
  const painted = [await submit(), await submit(), await submit(), await submit()];
  service.startWorker();
  for (const id of painted) await service.untilStatus(id, "succeeded");
  await service.stopWorkers();
  const waiting = [await submit(), await submit(), await submit(), await submit()];
  const canceled = [await submit(), await submit()];
  for (const id of canceled) await service.queue.cancel(id);
  return { all: [...painted, ...waiting, ...canceled], succeeded: painted };
}

/** Has Schemathesis ask in some of its phases. Gives what it says, and rejects where it found something. */
async function ask(
  phases: string,
  seconds: number,
  jobs: { all: string[]; succeeded: string[] },
): Promise<string> {
  const { command, args, env } = await installSchemathesis(cacheFolder());
  const all = [
    ...args,
    ...["run", join(ROOT, "openapi.yaml"), "--url", service.url, "--checks", CHECKS.join(",")],
    ...["--header", `Authorization: Bearer ${await service.createKey("submit", "read", "admin")}`],
    ...["--phases", phases, "--max-time", String(seconds), "--continue-on-failure"],
    ...["--request-timeout", "60", "--warnings", "off"],
    ...["--seed", "1", "--generation-database", "none", "--suppress-health-check", "all"],
  ];
  const settings = {
    env: {
      ...process.env,
      ...env,
      SCHEMATHESIS_HOOKS: join(ROOT, "test/http/schemathesis_hooks.py"),
      NST_TEST_JOBS: jobs.all.join(","),
      NST_TEST_ENDED_JOBS: jobs.succeeded.join(","),
      PYTHONDONTWRITEBYTECODE: "1",
    },
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  };
  return await new Promise((resolve, reject) => {
    execFile(command, all, settings, (error, stdout, stderr) => {
      const output = `${stdout}\n${stderr}`;
      if (error) reject(new Error(output));
      else resolve(output);
    });
  });
}

// How many it comes to in its time is the machine's business; a run that asks nothing proves nothing.
const generated = (output: string) => Number(/(\d+) generated/.exec(output)?.[1]);

it("Schemathesis finds no server error and no undocumented answer", async () => {
  const output = await ask("coverage,fuzzing", SECONDS.each, await someJobs());
  expect(generated(output)).toBeGreaterThan(20);
}, 300_000);

it("nor where it follows what it submitted", async () => {
  const jobs = await someJobs();
  // So that streams of events end: each job is painted at once.
  service.startWorker();
  try {
    const output = await ask("stateful", SECONDS.stateful, jobs);
    expect(generated(output)).toBeGreaterThan(5);
  } finally {
    await service.stopWorkers();
  }
}, 300_000);
