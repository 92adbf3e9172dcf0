import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { announceWorker } from "../../src/queue/worker/worker-registry.ts";
import { ROOT } from "../../src/root.ts";
import { succeed, TestPainter } from "../support/painter.ts";
import { TestService } from "../support/service.ts";
import { form } from "../support/submission-form.ts";

const { installSchemathesis } = await import(`${ROOT}/scripts/setup/schemathesis.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const BUDGET_SECONDS = 15;
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
  const announce = () =>
    announceWorker(service.redis, service.keys, {
      ...{ id: "w", version: "0", host: "h", pid: 1, started_at: new Date().toISOString(), ready: true },
      ...{
        reason: null,
        engine: null,
        largest_size: 4096,
        record_version: 2,
        pace: 0.01,
        free_in: 0,
        job: null,
      },
    });
  await announce();
  presence = setInterval(() => void announce().catch(() => undefined), 2_000);
});
afterAll(async () => {
  clearInterval(presence);
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Ids of jobs in several states. */
async function someJobs(): Promise<string[]> {
  const submit = async () => {
    const response = await service.fetch("/v1/jobs", { method: "POST", body: await form() });
    return ((await response.json()) as { id: string }).id;
  };
  const painted = [await submit(), await submit(), await submit(), await submit()];
  const painter = TestPainter.start(service, (run) => succeed(service, run));
  for (const id of painted) while ((await service.queue.find(id))?.status !== "succeeded");
  await painter.stop();
  const waiting = [await submit(), await submit(), await submit(), await submit()];
  const canceled = [await submit(), await submit()];
  for (const id of canceled) await service.queue.cancel(id);
  return [...painted, ...waiting, ...canceled];
}

it("Schemathesis finds no server error and no undocumented answer", async () => {
  const jobs = await someJobs();
  const { command, args, env } = await installSchemathesis(cacheFolder());
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const all = [
      ...args,
      ...["run", join(ROOT, "openapi.yaml"), "--url", service.url, "--checks", CHECKS.join(",")],
      ...["--phases", "coverage,fuzzing", "--max-time", String(BUDGET_SECONDS), "--continue-on-failure"],
      // A stream of events ends when its job does, which none of these will.
      ...["--exclude-path", "/v1/jobs/{id}/events", "--request-timeout", "60", "--warnings", "off"],
      ...["--seed", "1", "--generation-database", "none", "--suppress-health-check", "all"],
    ];
    const settings = {
      env: {
        ...process.env,
        ...env,
        SCHEMATHESIS_HOOKS: join(ROOT, "test/http/schemathesis_hooks.py"),
        NST_TEST_JOBS: jobs.join(","),
        PYTHONDONTWRITEBYTECODE: "1",
      },
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    };
    execFile(command, all, settings, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, output: `${stdout}\n${stderr}` });
    });
  });
  if (code !== 0) throw new Error(output);
  // How many it comes to in its time is the machine's business; a run that asks nothing proves nothing.
  expect(Number(/(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(20);
}, 300_000);
