import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../local/free-ports.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { Api } from "./clients/api.ts";
import { beClient } from "./clients/client.ts";
import { isBatchWhole } from "./clients/paint-batch.ts";
import { paintOne } from "./clients/paint-one.ts";
import { breakThings } from "./faults.ts";
import { closeLedger, isTold, type Ledger } from "./ledger.ts";
import { type Member, note, startMembers } from "./members.ts";
import { MoodyReceiver } from "./moody-receiver.ts";
import { watchHandles } from "./open-handles.ts";
import { Promised } from "./promised.ts";

export interface SoakPlan {
  jobs: number;
  clients: number;
  workers: number;
  /** Mean time that a client waits between two submissions. */
  pauseMs: number;
  /** Time between two faults, and between two moods of the webhooks' receiver. */
  faultMs: number;
  /** Time that the jobs may take to end when the faults are over. */
  patienceMs: number;
  log: (line: string) => void;
}

/** Two pauses between a message's attempts, and as long as it takes until a dead process' messages are another's. */
const TOLD_WITHIN_MS = 120_000;

/**
 * Clients get small jobs painted through two API processes, alone, in batches and as others' continuations, while
 * something is killed, stopped or frozen every few seconds, and while the receiver of their webhooks has its moods.
 */
export async function soak(plan: SoakPlan): Promise<Ledger> {
  const deployment = await TestDeployment.create();
  const processes = new Set<number>();
  const promised = new Promised();
  let receiver: MoodyReceiver | undefined;
  try {
    const ports = await freePorts(2);
    const members = await startMembers(deployment, ports, plan.workers);
    const api = new Api(ports);
    receiver = await MoodyReceiver.start(await secretOf(api));
    await warmUp(deployment, ports, members, promised, receiver.url);
    const moreHandles = await watchHandles(members, plan.log);

    const over = new AbortController();
    const chaos = [
      breakThings(deployment, members, processes, plan, over.signal),
      receiver.changeMoods(plan.faultMs, over.signal),
    ];
    const { url } = receiver;
    const wanted = { jobs: promised.jobs.size + plan.jobs, pauseMs: plan.pauseMs };
    const clients = Array.from({ length: plan.clients }, (_, number) =>
      beClient(number, { api, promised }, url, wanted),
    );
    await Promise.all(clients);
    plan.log(`${promised.jobs.size} jobs accepted`);
    over.abort();
    await Promise.all(chaos);

    await within(plan.patienceMs, () => allEnded(deployment));
    plan.log("all jobs have ended");
    const { told } = receiver;
    await within(TOLD_WITHIN_MS, () => allTold(deployment, promised, told));
    plan.log(`${receiver.calls} messages to webhooks`);
    const batches = [...promised.batches].map(([id, jobs]) => isBatchWhole(api, id, jobs));
    const brokenBatches = (await Promise.all(batches)).filter((isWhole) => !isWhole).length;
    await note(members, processes);
    const handles = await moreHandles();
    await Promise.all(members.map(({ program }) => program.end("SIGTERM")));
    await sleep(500);
    return await closeLedger(deployment, promised, receiver, { processes, handles, brokenBatches });
  } finally {
    await receiver?.stop();
    await deployment.close();
  }
}

async function secretOf(api: Api): Promise<string> {
  const answer = await api.tryOnce("/v1/webhooks/secret", {}, [200]);
  return answer?.json<{ secrets: { secret: string }[] }>().secrets[0]?.secret ?? "";
}

/** Jobs until each worker has painted one: what a process opens once and keeps is open then. */
async function warmUp(
  deployment: TestDeployment,
  ports: number[],
  members: Member[],
  promised: Promised,
  url: string,
): Promise<void> {
  const idle = new Set(members.filter(({ name }) => name === "worker").map(({ program }) => program.pid));
  while (idle.size > 0) {
    const painting = { promised, webhook: { url } };
    await Promise.all([...ports, ...ports].map((port) => paintOne({ ...painting, api: new Api([port]) })));
    for (const id of promised.jobs) {
      const { worker } = await deployment.untilEnded(id);
      for (const pid of idle) if (worker?.includes(`-${pid}-`)) idle.delete(pid);
    }
  }
}

/** Resolves when it is so, or when the time is over. */
async function within(ms: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline && !(await isSo().catch(() => false))) await sleep(250);
}

async function allEnded({ queue }: TestDeployment): Promise<boolean> {
  const counts = Object.entries(await queue.statistics.countByStatus()) as [
    Parameters<typeof isFinal>[0],
    number,
  ][];
  return counts.every(([status, count]) => isFinal(status) || count === 0);
}

async function allTold(
  { queue }: TestDeployment,
  { webhooks }: Promised,
  told: MoodyReceiver["told"],
): Promise<boolean> {
  for (const id of webhooks) if (!isTold(await queue.find(id), told)) return false;
  return true;
}
