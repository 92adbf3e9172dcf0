// A user's program on the client that openapi-generator makes. The generator knows a request's first media type only: JSON.
import { readFile, writeFile } from "node:fs/promises";
import { Configuration, JobsApi, ResultApi } from "./client/index.js";
import type { Submission } from "./client/models/index.js";

const [basePath = "", accessToken = "", content = "", style = "", output = ""] = process.argv.slice(2);
const configuration = new Configuration({ basePath, accessToken });
const [jobs, results] = [new JobsApi(configuration), new ResultApi(configuration)];
const picture = async (path: string) => ({ base64: (await readFile(path)).toString("base64") });
const submission = {
  content: await picture(content),
  style: await picture(style),
  options: { preset: "draft", size: 64, steps: 8 },
  // The generator writes "one or the other" as "both".
} as unknown as Submission;
let job = await jobs.submitJob({ submission });
while (job.status === "queued" || job.status === "running") {
  await new Promise((resolve) => setTimeout(resolve, 200));
  job = await jobs.getJob({ id: job.id });
}
if (job.status !== "succeeded") throw new Error(`The job ended as ${job.status}`);
const result = await results.getResult({ id: job.id });
await writeFile(`${output}-json.png`, Buffer.from(await result.arrayBuffer()));
