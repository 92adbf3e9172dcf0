// npm run soak [-- --json] [-- --jobs=N]: prints the ledger; ends with 1 where something was lost, made twice or left.
import { parseArgs } from "node:util";
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
    pauseMs: 4_000,
    faultMs: 4_000,
    patienceMs: 300_000,
  },
  log: (line) => console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`),
});
const { reasons, swept, ...figures } = ledger;
for (const [name, count] of Object.entries(figures)) console.log(`${name.padEnd(11)} ${count}`);
console.log(`reasons     ${JSON.stringify(reasons)}`);
console.log(`swept       ${swept} blobs left by killed processes`);
if (values.json) console.log(JSON.stringify(figures));
process.exit(ledger.lost + ledger.duplicated + ledger.orphans + ledger.leaks === 0 ? 0 : 1);
