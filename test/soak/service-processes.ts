import type { TestDeployment } from "../support/harness/deployment.ts";
import type { ProgramProcess } from "../support/harness/program.ts";
import { childrenOf } from "../support/process-tree.ts";

/** A process of the service. A fault that ends it also starts it again. */
export interface ServiceProcess {
  name: "api" | "worker";
  program: ProgramProcess;
  start: () => Promise<ProgramProcess>;
  /** Whether it lives through the whole soak, so that leaks add up. Faults kill only its engine. */
  longLived: boolean;
}

/** An API process at each of the ports, and workers. The first of each kind is long-lived. */
export async function startProcesses(
  deployment: TestDeployment,
  ports: number[],
  workers: number,
): Promise<ServiceProcess[]> {
  return await Promise.all([
    ...ports.map((port, index) => start("api", index === 0, () => startApi(deployment, port))),
    ...Array.from({ length: workers }, (_, index) =>
      start("worker", index === 0, () => deployment.startWorker({ LOCK_SECONDS: "2" })),
    ),
  ]);
}

async function start(
  name: ServiceProcess["name"],
  longLived: boolean,
  startProgram: () => Promise<ProgramProcess>,
): Promise<ServiceProcess> {
  return { name, longLived, start: startProgram, program: await startProgram() };
}

async function startApi(deployment: TestDeployment, port: number): Promise<ProgramProcess> {
  const { api } = await deployment.startApi({
    ...{ PORT: String(port), HOST: "127.0.0.1", RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0" },
    // The receiver of webhooks is on this machine.
    URL_ALLOWED_NETWORKS: "127.0.0.1/32",
  });
  return api;
}

/** Adds the ids of the processes and of their children, to check later whether one of them outlived its parent. */
export async function recordPids(members: ServiceProcess[], pids: Set<number>): Promise<void> {
  for (const { program } of members) {
    pids.add(program.pid);
    for (const child of await childrenOf(program.pid)) pids.add(child);
  }
}
