// npm run soak [-- --short] [--jobs=N] [--json]: prints a report; exits with 1 if a promise was broken.
import { parseArgs } from "node:util";
import { isClean } from "./report.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    jobs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const plan = values.short
  ? { jobs: 18, clients: 3, workers: 2, pauseMs: 2_000, faultMs: 1_000, timeoutMs: 60_000 }
  : { jobs: 300, clients: 6, workers: 2, pauseMs: 5_000, faultMs: 4_000, timeoutMs: 300_000 };
const started = performance.now();
const report = await soak({
  ...plan,
  ...(values.jobs !== undefined && { jobs: Number(values.jobs) }),
  log: (line) => console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`),
});
const { accepted, succeeded, failed, canceled, violations, kinds, reasons, messages, swept } = report;
const figures = { accepted, succeeded, failed, canceled, ...kinds, messages, ...violations };
for (const [name, count] of Object.entries(figures)) console.log(`${name.padEnd(18)} ${count}`);
console.log(`reasons            ${JSON.stringify(reasons)}`);
console.log(`swept              ${swept} blobs left by killed processes`);
if (values.json) console.log(JSON.stringify(figures));
// A soak in which nothing happened proves nothing.
const hasRun = [succeeded, kinds.batched, messages].every((count) => count > 0);
process.exit(isClean(report) && hasRun ? 0 : 1);
