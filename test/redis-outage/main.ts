// npm run outage [-- --seconds=30] [-- --json]: kills Redis for some seconds under a running service; exits with 1 if something was lost.
import { parseArgs } from "node:util";
import { redisOutage } from "./redis-outage.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, json: { type: "boolean", default: false } },
});
const report = await redisOutage(Number(values.seconds), (line) => console.error(line));
for (const [name, value] of Object.entries(report))
  console.log(`${name.padEnd(24)} ${JSON.stringify(value)}`);
if (values.json) console.log(JSON.stringify(report));
const { running, waiting, submissions, refused_with_retry_after, steps_during_outage, accepted, found } =
  report;
const requirements = [
  submissions > 2 && refused_with_retry_after === submissions,
  steps_during_outage > 0,
  running.status === "succeeded" && running.attempts === 1 && running.same_pixels,
  waiting.status === "succeeded" && waiting.attempts === 1,
  accepted === found,
];
process.exit(requirements.every(Boolean) ? 0 : 1);
