// npm run fuzz [-- --seconds=60] [--seed=N] [--json]: sends broken pictures to a real API; exits with 1 if an answer is wrong.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../src/root.ts";
import { fuzz, isClean } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const folder = join(ROOT, "build", "fuzz");
const report = await fuzz({ seconds: Number(values.seconds), seed, folder });
console.log(`seed ${seed}`);
for (const [type, { sent, answers }] of Object.entries(report.types)) {
  const parts = Object.entries(answers).sort(([, one], [, other]) => other - one);
  console.log(
    `${type.padEnd(5)} ${sent} sent: ${parts.map(([code, count]) => `${code} ${count}`).join(", ")}`,
  );
}
console.log(`memory of the API: ${report.memory.join(" → ")} MiB; left in its spool: ${report.leftovers}`);
for (const what of report.wrong) console.log(`WRONG ${what} (kept in ${folder})`);
console.log(report.serves ? "the API process still serves" : "THE API PROCESS DIED");
if (values.json) console.log(JSON.stringify({ seed, clean: isClean(report), ...report }));
process.exit(isClean(report) ? 0 : 1);
