// npm run outage [-- --seconds=30] [-- --json]: kills Redis for so long under a running service; ends with 1 where something was lost.
import { parseArgs } from "node:util";
import { outage } from "./outage.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, json: { type: "boolean", default: false } },
});
const report = await outage(Number(values.seconds), (line) => console.error(line));
for (const [name, value] of Object.entries(report))
  console.log(`${name.padEnd(24)} ${JSON.stringify(value)}`);
if (values.json) console.log(JSON.stringify(report));
const { running, waiting, submissions, refused_with_retry_after, accepted, found } = report;
const good =
  running.status === "succeeded" &&
  running.same_pixels &&
  waiting.status === "succeeded" &&
  refused_with_retry_after === submissions &&
  accepted === found;
process.exit(good ? 0 : 1);
