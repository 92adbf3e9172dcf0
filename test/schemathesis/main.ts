// npm run schemathesis [-- --seconds=60]: generates requests from openapi.yaml and exits with 1 if an answer breaks it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../src/root.ts";
import { sendFakeHeartbeat } from "../support/fake-worker.ts";
import { TestService } from "../support/harness/service.ts";

const { installSchemathesis } = await import(`${ROOT}/scripts/setup/schemathesis.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const CHECKS = [
  ...["not_a_server_error", "status_code_conformance", "content_type_conformance"],
  ...["response_headers_conformance", "response_schema_conformance"],
];
/** Fewer generated requests than this prove nothing. */
const MIN_GENERATED = 5;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const service = await TestService.start({ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0" });
const folder = await mkdtemp(join(tmpdir(), "nst-schemathesis-"));
// A worker that lives makes /readyz say that the service is ready.
const sendHeartbeat = () => sendFakeHeartbeat(service, { seconds_per_cost: 0.01, free_in_seconds: 0 });
await sendHeartbeat();
const heartbeat = setInterval(() => void sendHeartbeat().catch(() => undefined), 2_000);
try {
  const isClean = await run("coverage,fuzzing", await createJobs());
  const jobs = await createJobs();
  // In this phase every job ends at once, and with it the streams of its events.
  service.startWorker();
  process.exitCode = (await run("stateful", jobs)) && isClean ? 0 : 1;
} finally {
  clearInterval(heartbeat);
  await service.stop();
  await rm(folder, { recursive: true, force: true });
}

interface Jobs {
  all: string[];
  succeeded: string[];
}

/** Creates succeeded, queued and canceled jobs. */
async function createJobs(): Promise<Jobs> {
  const submit = async () => (await service.submit()).id;
  const succeeded = [await submit(), await submit(), await submit(), await submit()];
  service.startWorker();
  for (const id of succeeded) await service.untilStatus(id, "succeeded");
  await service.stopWorkers();
  const queued = [await submit(), await submit(), await submit(), await submit()];
  const canceled = [await submit(), await submit()];
  for (const id of canceled) await service.queue.cancel(id);
  return { all: [...succeeded, ...queued, ...canceled], succeeded };
}

/** Runs some phases of Schemathesis. Gives whether it generated enough requests and found nothing. */
async function run(phases: string, jobs: Jobs): Promise<boolean> {
  const { command, args, env } = await installSchemathesis(cacheFolder());
  const key = await service.createKey("submit", "read", "admin");
  const child = spawn(
    command,
    [
      ...args,
      ...["run", join(ROOT, "openapi.yaml"), "--url", service.url, "--checks", CHECKS.join(",")],
      ...["--header", `Authorization: Bearer ${key}`],
      ...["--phases", phases, "--max-time", String(values.seconds), "--continue-on-failure"],
      ...["--request-timeout", "60", "--warnings", "off"],
      ...["--seed", "1", "--generation-database", "none", "--suppress-health-check", "all"],
    ],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...env,
        SCHEMATHESIS_HOOKS: join(ROOT, "test/schemathesis/hooks.py"),
        NST_TEST_JOBS: jobs.all.join(","),
        NST_TEST_ENDED_JOBS: jobs.succeeded.join(","),
        PYTHONDONTWRITEBYTECODE: "1",
      },
    },
  );
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
    process.stdout.write(bytes);
  });
  const [code] = await once(child, "close");
  return code === 0 && Number(/(\d+) generated/.exec(output)?.[1]) > MIN_GENERATED;
}
