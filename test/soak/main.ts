// npm run soak [-- --json] [-- --jobs=N]: prints the ledger; ends with 1 where it does not balance.
import { parseArgs } from "node:util";
import { isBalanced } from "./ledger.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, jobs: { type: "string", default: "300" } },
});
const started = performance.now();
const ledger = await soak({
  ...{
    jobs: Number(values.jobs),
    clients: 6,
    workers: 2,
    pauseMs: 5_000,
    faultMs: 4_000,
    patienceMs: 300_000,
  },
  log: (line) => console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`),
});
const { accepted, succeeded, failed, canceled, debts, kinds, reasons, messages, swept } = ledger;
const figures = { accepted, succeeded, failed, canceled, ...kinds, messages, ...debts };
for (const [name, count] of Object.entries(figures)) console.log(`${name.padEnd(13)} ${count}`);
console.log(`reasons       ${JSON.stringify(reasons)}`);
console.log(`swept         ${swept} blobs left by killed processes`);
if (values.json) console.log(JSON.stringify(figures));
process.exit(isBalanced(ledger) ? 0 : 1);
