import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../local/free-ports.ts";
import { isFinal } from "../../src/queue/records/job-states.ts";
import { addressOf } from "../e2e/client.ts";
import { grown, type Handles, handlesOf } from "../support/handles.ts";
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
/** No connection of a client outlives its request: it would count as the server's handle. */
const ONE_SHOT = { connection: "close" };
/** Time for what is being closed to close. */
const HANDLES_SETTLE_MS = 20_000;

interface Member {
  name: "api" | "worker";
  program: ProgramProcess;
  start: () => Promise<ProgramProcess>;
  /** Lives through the whole soak, so that what it does not close adds up; only its engine is killed. */
  veteran: boolean;
}

/**
 * Clients submit, follow, cancel and retry small jobs through two API processes while something is killed, stopped or
 * frozen every few seconds.
 */
export async function soak(plan: SoakPlan): Promise<Ledger> {
  const setting = await WorkerSetting.create();
  const processes = new Set<number>();
  try {
    const apis = await freePorts(2);
    const members = await Promise.all([
      ...apis.map((port, index) => join("api", index === 0, () => startApi(setting, port))),
      ...Array.from({ length: plan.workers }, (_, index) =>
        join("worker", index === 0, () => setting.startWorker({ LOCK_SECONDS: "2" })),
      ),
    ]);
    const accepted = new Set<string>();
    await warmUp(setting, apis, members, accepted);
    const veterans = members.filter(({ veteran }) => veteran).map(({ program }) => program.pid);
    const before = await Promise.all(veterans.map((pid) => settledHandles(pid)));
    const over = new AbortController();
    const chaos = breakThings(setting, members, processes, plan, over.signal);
    let left = plan.jobs;
    const clients = Array.from({ length: plan.clients }, async () => {
      while (left-- > 0) {
        accepted.add(await submitAndFollow(apis));
        await sleep(2 * plan.pauseMs * Math.random());
      }
    });
    await Promise.all(clients);
    plan.log(`${accepted.size} jobs accepted`);
    over.abort();
    await chaos;
    await allEnded(setting, plan.patienceMs);
    await note(members, processes);
    const after = await Promise.all(veterans.map((pid, index) => settledHandles(pid, before[index])));
    veterans.forEach((pid, index) => {
      plan.log(`handles of ${pid}: ${JSON.stringify(before[index])}, then ${JSON.stringify(after[index])}`);
    });
    const handles = after.reduce((sum, now, index) => sum + grown(before[index] ?? {}, now), 0);
    await Promise.all(members.map(({ program }) => program.end("SIGTERM")));
    await sleep(500);
    return await closeLedger(setting, accepted, processes, handles);
  } finally {
    await setting.close();
  }
}

async function join(
  name: Member["name"],
  veteran: boolean,
  start: () => Promise<ProgramProcess>,
): Promise<Member> {
  return { name, veteran, start, program: await start() };
}

/** Jobs until each worker has painted one: what a process opens once and keeps is open then. */
async function warmUp(
  setting: WorkerSetting,
  apis: number[],
  members: Member[],
  accepted: Set<string>,
): Promise<void> {
  const idle = new Set(members.filter(({ name }) => name === "worker").map(({ program }) => program.pid));
  while (idle.size > 0) {
    const ids = await Promise.all([...apis, ...apis].map((port) => submitAndFollow([port])));
    for (const id of ids) {
      accepted.add(id);
      const { worker } = await setting.untilEnded(id);
      for (const pid of idle) if (worker?.includes(`-${pid}-`)) idle.delete(pid);
    }
  }
}

/** A process' open handles when no more of them close; where it is known how many there were, when it has so few again. */
async function settledHandles(pid: number, before?: Handles): Promise<Handles> {
  const deadline = performance.now() + HANDLES_SETTLE_MS;
  let handles = await handlesOf(pid);
  while (performance.now() < deadline) {
    await sleep(before ? 500 : 6_000);
    const now = await handlesOf(pid);
    if (before ? grown(before, now) === 0 : grown(now, handles) === 0 && grown(handles, now) === 0)
      return now;
    handles = now;
  }
  return handles;
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
  const faults = [
    ...(["engine", "worker", "stop-worker", "api", "redis"] as const),
    ...(["engine", "freeze-worker", "stop-api", "worker", "redis"] as const),
  ];
  for (let turn = 0; !over.aborted; turn += 1) {
    await sleep(faultMs, undefined, { signal: over }).catch(() => undefined);
    await note(members, processes);
    const fault = faults[turn % faults.length] ?? "redis";
    log(`fault: ${fault}`);
    if (fault === "redis") {
      await setting.redis.kill();
      await sleep(500);
      await setting.redis.start();
      continue;
    }
    const struck = members.filter(({ name, veteran }) =>
      fault === "engine" ? name === "worker" : fault.endsWith(name) && !veteran,
    );
    const member = anyOf(struck);
    if (!member) continue;
    if (fault === "engine") {
      for (const pid of await childrenOf(member.program.pid)) process.kill(pid, "SIGKILL");
      continue;
    }
    if (fault === "freeze-worker") {
      const frozen = [member.program.pid, ...(await childrenOf(member.program.pid))];
      for (const pid of frozen) process.kill(pid, "SIGSTOP");
      await sleep(3_000);
      for (const pid of frozen) process.kill(pid, "SIGCONT");
      continue;
    }
    await member.program.end(fault.startsWith("stop-") ? "SIGTERM" : "SIGKILL");
    member.program = await member.start();
  }
}

function anyOf<T>(list: T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/**
 * Submits until it is accepted, as a client does that must not pay twice: always with the same key. Now and then it
 * follows the job's events, cancels it, or wants it again after that.
 */
async function submitAndFollow(ports: number[]): Promise<string> {
  const key = randomUUID();
  const steps = SHORTEST + Math.floor(Math.random() * 80);
  const [content, style] = await Promise.all([jpeg({ width: 40, height: 32 }), jpeg({ seed: 2 })]);
  const post = async (path: string, body?: FormData) => {
    const headers = { ...ONE_SHOT, "idempotency-key": key };
    const signal = AbortSignal.timeout(20_000);
    return fetch(`http://127.0.0.1:${anyOf(ports)}${path}`, {
      method: "POST",
      signal,
      ...(body ? { body, headers } : { headers: ONE_SHOT }),
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
      if (Math.random() < 0.2) await follow(`http://127.0.0.1:${anyOf(ports)}/v1/jobs/${id}/events`);
      if (Math.random() < 0.2) {
        await post(`/v1/jobs/${id}/cancel`).catch(() => null);
        if (Math.random() < 0.5) await post(`/v1/jobs/${id}/retry`).catch(() => null);
      }
      return id;
    }
    if (answer && ![202, 409, 429, 503].includes(answer.status)) {
      throw new Error(`A submission was answered with ${answer.status}: ${await answer.text()}`);
    }
    await sleep(200);
  }
}

/** Reads a job's events to their end, or for some seconds, or until the process that sends them dies. */
async function follow(url: string): Promise<void> {
  const signal = AbortSignal.timeout(5_000);
  await fetch(url, { signal, headers: ONE_SHOT })
    .then(
      (answer) => answer.text(),
      () => null,
    )
    .catch(() => null);
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
