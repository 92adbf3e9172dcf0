// npm run abuse [-- --short] [--only=TEXT] [--json]: plays abuses against a real API; exits with 1 if one does more harm than it may.
import { parseArgs } from "node:util";
import { abuse } from "./abuse.ts";
import { violations } from "./limits.ts";

const SHORT_SCALE = 1 / 8;

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const cases = await abuse({
  scale: values.short ? SHORT_SCALE : 1,
  only: values.only,
  log: (line) => console.error(line),
});
const found = cases.flatMap((report) =>
  violations(report, !values.short).map((violation) => `${report.name}: ${violation}`),
);
for (const { name, worst_pause_ms, peak_mib, decoder_peak_mib, other_owner_ms } of cases) {
  const figures = [
    `pause ${worst_pause_ms} ms`,
    `API ${peak_mib} MiB`,
    `its processes ${decoder_peak_mib} MiB`,
  ];
  console.log(`${name.padEnd(66)} ${figures.join(", ")}, another owner ${other_owner_ms} ms`);
}
for (const line of found) console.log(`WRONG ${line}`);
if (values.json) console.log(JSON.stringify({ cases }));
// No case is no proof.
process.exit(found.length === 0 && cases.length > 0 ? 0 : 1);
