import type { Job } from "../../clients/typescript/index.ts";
import { addressOf, Client } from "../e2e/client.ts";
import { jpeg } from "./pictures.ts";
import type { ProgramProcess } from "./programs.ts";
import type { WorkerSetting } from "./worker-setting.ts";

/** An API as a process of a setting, and a client of it. */
export async function startApi(
  setting: WorkerSetting,
): Promise<{ api: ProgramProcess; address: string; client: Client }> {
  const api = setting.run("src/main.js", { PORT: "0" });
  const address = await addressOf(api);
  return { api, address, client: new Client(address) };
}

/** Submits a small job. */
export const submitSmall = async (client: Client, steps = 10): Promise<Job> =>
  client.submit(await jpeg(), [await jpeg({ seed: 2 })], { preset: "draft", size: 64, steps });
