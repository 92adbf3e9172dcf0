import { setTimeout as sleep } from "node:timers/promises";
import type { TestDeployment } from "../support/harness/deployment.ts";
import { childrenOf } from "../support/process-tree.ts";
import { pickOne } from "./random.ts";
import { recordPids, type ServiceProcess } from "./service-processes.ts";

const FAULTS = [
  ...(["engine", "worker", "stop-worker", "api", "redis"] as const),
  ...(["engine", "freeze-worker", "stop-api", "worker", "redis"] as const),
];
/** Longer than the workers' locks last. */
const FROZEN_MS = 3_000;

interface FaultPlan {
  /** Time between two faults. */
  faultMs: number;
  log: (line: string) => void;
}

/** Kills, stops or freezes one process after the other until the signal is aborted. */
export async function injectFaults(
  deployment: TestDeployment,
  members: ServiceProcess[],
  processes: Set<number>,
  { faultMs, log }: FaultPlan,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    await sleep(faultMs, undefined, { signal }).catch(() => undefined);
    await recordPids(members, processes);
    const fault = FAULTS[turn % FAULTS.length] ?? "redis";
    log(`fault: ${fault}`);
    if (fault === "redis") {
      await deployment.redis.kill();
      await sleep(500);
      await deployment.redis.start();
      continue;
    }
    const candidates = members.filter(({ name, longLived }) =>
      fault === "engine" ? name === "worker" : fault.endsWith(name) && !longLived,
    );
    const member = pickOne(candidates);
    if (!member) continue;
    if (fault === "engine") {
      for (const pid of await childrenOf(member.program.pid)) process.kill(pid, "SIGKILL");
      continue;
    }
    if (fault === "freeze-worker") {
      const frozen = [member.program.pid, ...(await childrenOf(member.program.pid))];
      for (const pid of frozen) process.kill(pid, "SIGSTOP");
      await sleep(FROZEN_MS);
      for (const pid of frozen) process.kill(pid, "SIGCONT");
      continue;
    }
    await member.program.end(fault.startsWith("stop-") ? "SIGTERM" : "SIGKILL");
    member.program = await member.start();
  }
}
