import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isFinal } from "../../src/queue/job-states.ts";
import { addressOf } from "../e2e/client.ts";
import { jpeg } from "../support/pictures.ts";
import { childrenOf } from "../support/processes.ts";
import type { ProgramProcess } from "../support/programs.ts";
import { WorkerSetting } from "../support/worker-setting.ts";
import { closeLedger, type Ledger } from "./ledger.ts";

export interface SoakPlan {
  jobs: number;
  clients: number;
  workers: number;
  /** Mean time that a client waits between two submissions. */
  pauseMs: number;
  /** Time between two faults. */
  faultMs: number;
  /** Time that the jobs may take to end when the faults are over. */
  patienceMs: number;
  log: (line: string) => void;
}

/** Steps of the shortest job. */
const SHORTEST = 8;

interface Member {
  name: "api" | "worker";
  program: ProgramProcess;
  start: () => Promise<ProgramProcess>;
}

/** Clients submit small jobs through two API processes while something is killed every few seconds. */
export async function soak(plan: SoakPlan): Promise<Ledger> {
  const setting = await WorkerSetting.create();
  const processes = new Set<number>();
  try {
    const apis = await Promise.all([freePort(), freePort()]);
    const members = await Promise.all([
      ...apis.map((port) => join("api", () => startApi(setting, port))),
      ...Array.from({ length: plan.workers }, () =>
        join("worker", () => setting.startWorker({ LOCK_SECONDS: "2" })),
      ),
    ]);
    const over = new AbortController();
    const chaos = breakThings(setting, members, processes, plan, over.signal);
    const accepted = new Set<string>();
    let left = plan.jobs;
    const clients = Array.from({ length: plan.clients }, async () => {
      while (left-- > 0) {
        accepted.add(await submitAndPerhapsCancel(apis));
        await sleep(2 * plan.pauseMs * Math.random());
      }
    });
    await Promise.all(clients);
    plan.log(`${accepted.size} jobs accepted`);
    over.abort();
    await chaos;
    await allEnded(setting, plan.patienceMs);
    await note(members, processes);
    await Promise.all(members.map(({ program }) => program.end("SIGTERM")));
    await sleep(500);
    return await closeLedger(setting, accepted, processes);
  } finally {
    await setting.close();
  }
}

async function join(name: Member["name"], start: () => Promise<ProgramProcess>): Promise<Member> {
  return { name, start, program: await start() };
}

async function startApi(setting: WorkerSetting, port: number): Promise<ProgramProcess> {
  const api = setting.run("src/main.js", { PORT: String(port), HOST: "127.0.0.1" });
  await addressOf(api);
  return api;
}

/** Notes the processes and their children, so that it can be seen later whether one outlived its end. */
async function note(members: Member[], processes: Set<number>): Promise<void> {
  for (const { program } of members) {
    processes.add(program.pid);
    for (const child of await childrenOf(program.pid)) processes.add(child);
  }
}

async function breakThings(
  setting: WorkerSetting,
  members: Member[],
  processes: Set<number>,
  { faultMs, log }: SoakPlan,
  over: AbortSignal,
): Promise<void> {
  const faults = ["engine", "worker", "stop-worker", "api", "redis"] as const;
  for (let turn = 0; !over.aborted; turn += 1) {
    await sleep(faultMs, undefined, { signal: over }).catch(() => undefined);
    await note(members, processes);
    const fault = faults[turn % faults.length];
    log(`fault: ${fault}`);
    if (fault === "redis") {
      await setting.redis.kill();
      await sleep(500);
      await setting.redis.start();
      continue;
    }
    const some = members.filter(({ name }) => name === (fault === "api" ? "api" : "worker"));
    const member = some[turn % some.length];
    if (!member) continue;
    if (fault === "engine") {
      for (const pid of await childrenOf(member.program.pid)) process.kill(pid, "SIGKILL");
      continue;
    }
    await member.program.end(fault === "stop-worker" ? "SIGTERM" : "SIGKILL");
    member.program = await member.start();
  }
}

/** Submits until it is accepted, as a client does that must not pay twice: always with the same key. */
async function submitAndPerhapsCancel(ports: number[]): Promise<string> {
  const key = randomUUID();
  const steps = SHORTEST + Math.floor(Math.random() * 80);
  const [content, style] = await Promise.all([jpeg({ width: 40, height: 32 }), jpeg({ seed: 2 })]);
  const post = async (path: string, body?: FormData) => {
    const port = ports[Math.floor(Math.random() * ports.length)];
    const headers = { "idempotency-key": key };
    const signal = AbortSignal.timeout(20_000);
    return fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      signal,
      ...(body && { body, headers }),
    });
  };
  for (;;) {
    const form = new FormData();
    form.append("content", new Blob([new Uint8Array(content)]));
    form.append("style", new Blob([new Uint8Array(style)]));
    form.append("options", JSON.stringify({ preset: "draft", size: 40, steps }));
    const answer = await post("/v1/jobs", form).catch(() => null);
    const view = answer?.status === 202 ? await answer.json().catch(() => null) : null;
    if (view) {
      const { id } = view as { id: string };
      if (Math.random() < 0.1) await post(`/v1/jobs/${id}/cancel`).catch(() => null);
      return id;
    }
    if (answer && ![202, 409, 503].includes(answer.status)) {
      throw new Error(`A submission was answered with ${answer.status}: ${await answer.text()}`);
    }
    await sleep(200);
  }
}

async function allEnded({ queue }: WorkerSetting, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const counts = await queue.counts().catch(() => null);
    const open = counts
      ? Object.entries(counts).filter(([name]) => !isFinal(name as keyof typeof counts))
      : [];
    if (counts && open.every(([, count]) => count === 0)) return;
    await sleep(250);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
