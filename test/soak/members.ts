import type { TestDeployment } from "../support/harness/deployment.ts";
import type { ProgramProcess } from "../support/harness/program.ts";
import { addressOf } from "../support/harness/test-client.ts";
import { childrenOf } from "../support/processes.ts";

/** A process of the service, which is started again when it was ended. */
export interface Member {
  name: "api" | "worker";
  program: ProgramProcess;
  start: () => Promise<ProgramProcess>;
  /** Lives through the whole soak, so that what it does not close adds up; only its engine is killed. */
  veteran: boolean;
}

/** An API process at each of the ports, and workers. The first of each kind is a veteran. */
export async function startMembers(
  deployment: TestDeployment,
  ports: number[],
  workers: number,
): Promise<Member[]> {
  return await Promise.all([
    ...ports.map((port, index) => join("api", index === 0, () => startApi(deployment, port))),
    ...Array.from({ length: workers }, (_, index) =>
      join("worker", index === 0, () => deployment.startWorker({ LOCK_SECONDS: "2" })),
    ),
  ]);
}

async function join(
  name: Member["name"],
  veteran: boolean,
  start: () => Promise<ProgramProcess>,
): Promise<Member> {
  return { name, veteran, start, program: await start() };
}

async function startApi(deployment: TestDeployment, port: number): Promise<ProgramProcess> {
  // The receiver of webhooks is on this machine.
  const networks = { URL_ALLOWED_NETWORKS: "127.0.0.1/32" };
  const api = deployment.run("src/main.js", { PORT: String(port), HOST: "127.0.0.1", ...networks });
  await addressOf(api);
  return api;
}

/** Notes the processes and their children, so that it can be seen later whether one outlived its end. */
export async function note(members: Member[], processes: Set<number>): Promise<void> {
  for (const { program } of members) {
    processes.add(program.pid);
    for (const child of await childrenOf(program.pid)) processes.add(child);
  }
}
