import { freePorts } from "../../local/free-ports.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { until } from "../support/until.ts";
import { runClient } from "./clients/run-client.ts";
import { isBatchComplete } from "./clients/submit-batch.ts";
import { submitJob } from "./clients/submit-job.ts";
import { Api } from "./clients/unreliable-api.ts";
import { Expected } from "./expected.ts";
import { FlakyReceiver } from "./flaky-receiver.ts";
import { injectFaults } from "./inject-faults.ts";
import { watchHandles } from "./open-handles.ts";
import { createReport, isDelivered, type SoakReport } from "./report.ts";
import { recordPids, type ServiceProcess, startProcesses } from "./service-processes.ts";

interface SoakPlan {
  jobs: number;
  clients: number;
  workers: number;
  /** Mean time that a client waits between two submissions. */
  pauseMs: number;
  /** Time between two faults, and between two changes of the receiver's behavior. */
  faultMs: number;
  /** Time in which the jobs must end after the last fault. */
  timeoutMs: number;
  log: (line: string) => void;
}

/** Two retries of a message, and the time until another process takes over a killed one's messages. */
const DELIVERY_TIMEOUT_MS = 120_000;

/**
 * Clients submit jobs, batches and continuations to two API processes. Meanwhile a process is killed, stopped or frozen
 * every few seconds, and the receiver of webhooks is flaky.
 */
export async function soak(plan: SoakPlan): Promise<SoakReport> {
  const deployment = await TestDeployment.create();
  const processes = new Set<number>();
  const expected = new Expected();
  let receiver: FlakyReceiver | undefined;
  try {
    const ports = await freePorts(2);
    const members = await startProcesses(deployment, ports, plan.workers);
    const api = new Api(ports, deployment.apiKey);
    receiver = await FlakyReceiver.start(await secretOf(api));
    await warmUp(deployment, ports, members, expected, receiver.url);
    const moreHandles = await watchHandles(members, plan.log);

    const over = new AbortController();
    const chaos = [
      injectFaults(deployment, members, processes, plan, over.signal),
      receiver.changeBehavior(plan.faultMs, over.signal),
    ];
    const { url } = receiver;
    const wanted = { jobs: expected.jobs.size + plan.jobs, pauseMs: plan.pauseMs };
    const clients = Array.from({ length: plan.clients }, (_, number) =>
      runClient(number, { api, expected }, url, wanted),
    );
    await Promise.all(clients);
    plan.log(`${expected.jobs.size} jobs accepted`);
    over.abort();
    await Promise.all(chaos);

    await within(plan.timeoutMs, () => allEnded(deployment));
    plan.log("all jobs have ended");
    const { delivered } = receiver;
    await within(DELIVERY_TIMEOUT_MS, () => allDelivered(deployment, expected, delivered));
    plan.log(`${receiver.calls} messages to webhooks`);
    const batches = [...expected.batches].map(([id, jobs]) => isBatchComplete(api, id, jobs));
    const incompleteBatches = (await Promise.all(batches)).filter((isComplete) => !isComplete).length;
    await recordPids(members, processes);
    const handles = await moreHandles();
    await Promise.all(members.map(({ program }) => program.end("SIGTERM")));
    return await createReport(deployment, expected, receiver, { processes, handles, incompleteBatches });
  } finally {
    await receiver?.stop();
    await deployment.close();
  }
}

async function secretOf(api: Api): Promise<string> {
  const answer = await api.tryOnce("/v1/webhooks/secret", {}, [200]);
  return answer?.json<{ secrets: { secret: string }[] }>().secrets[0]?.secret ?? "";
}

/** Submits jobs until each worker has run one: what a process opens once and keeps is open then. */
async function warmUp(
  deployment: TestDeployment,
  ports: number[],
  members: ServiceProcess[],
  expected: Expected,
  url: string,
): Promise<void> {
  const idle = new Set(members.filter(({ name }) => name === "worker").map(({ program }) => program.pid));
  while (idle.size > 0) {
    const painting = { expected, webhook: { url } };
    await Promise.all(
      [...ports, ...ports].map((port) => submitJob({ ...painting, api: new Api([port], deployment.apiKey) })),
    );
    for (const id of expected.jobs) {
      const { worker } = await deployment.untilEnded(id);
      for (const pid of idle) if (worker?.includes(`-${pid}-`)) idle.delete(pid);
    }
  }
}

/** Resolves when the condition holds or the time is over; the report says which. */
async function within(ms: number, condition: () => Promise<boolean>): Promise<void> {
  await until(() => condition().catch(() => false), ms).catch(() => undefined);
}

async function allEnded({ queue }: TestDeployment): Promise<boolean> {
  const counts = Object.entries(await queue.statistics.countByStatus()) as [
    Parameters<typeof isFinal>[0],
    number,
  ][];
  return counts.every(([status, count]) => isFinal(status) || count === 0);
}

async function allDelivered(
  { queue }: TestDeployment,
  { webhooks }: Expected,
  delivered: FlakyReceiver["delivered"],
): Promise<boolean> {
  for (const id of webhooks) if (!isDelivered(await queue.find(id), delivered)) return false;
  return true;
}
