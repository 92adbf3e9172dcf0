import { setTimeout as sleep } from "node:timers/promises";
import { form } from "../support/submission-form.ts";
import type { AbuseCase } from "./case.ts";
import { evasiveJson, largeJson, manyErrors, optionsAsFile, unreadBodies } from "./cases/bodies.ts";
import {
  abandonedRequests,
  cancelAndRetry,
  idempotencyKeys,
  readiness,
  silentReceiver,
  streams,
  unreadableRecord,
} from "./cases/connections.ts";
import { batchOfPictures, decodingBombs, signedLinks, timelapses } from "./cases/pictures.ts";
import { type LeftOver, leftOver, whatIsKept } from "./left-over.ts";
import { MemoryPeaks } from "./memory-peaks.ts";
import { AbusedService } from "./service.ts";

const CASES: readonly AbuseCase[] = [
  ...[unreadBodies, largeJson, evasiveJson, manyErrors, optionsAsFile],
  ...[decodingBombs, batchOfPictures, signedLinks, timelapses],
  ...[
    abandonedRequests,
    readiness,
    streams,
    cancelAndRetry,
    silentReceiver,
    unreadableRecord,
    idempotencyKeys,
  ],
];
/** A case that is not done by then is given up, which is wrong. */
const CASE_TIMEOUT_MS = 240_000;
const PROBE_INTERVAL_MS = 300;

export interface CaseReport {
  name: string;
  /** The longest pause of the API's event loop. */
  worst_pause_ms: number;
  /** The longest pause of a process that did nothing in the meantime: the machine's own. */
  machine_pause_ms: number;
  /** The API's memory. */
  peak_mib: number;
  /** The memory of all processes that the API started: decoders and conversions. */
  decoder_peak_mib: number;
  /** The longest time until another owner's submission of 64 px was accepted. */
  other_owner_ms: number;
  left: LeftOver;
  wrong: string[];
}

export interface AbusePlan {
  /** The part of the full number of requests and bytes. */
  scale: number;
  /** Only the cases whose name includes this. */
  only?: string | undefined;
  log: (line: string) => void;
}

/** Plays every case against one service, one after the other. */
export async function abuse({ scale, only = "", log }: AbusePlan): Promise<CaseReport[]> {
  const service = await AbusedService.start();
  try {
    const reports: CaseReport[] = [];
    await submitAsOther(service); // starts what the first submission starts
    for (const one of CASES.filter(({ name }) => name.includes(only))) {
      reports.push(await play(service, one, scale));
      log(`${one.name}: ${JSON.stringify(reports.at(-1))}`);
      if (service.api.ended) break;
    }
    return reports;
  } finally {
    await service.stop();
  }
}

async function play(service: AbusedService, { name, run }: AbuseCase, scale: number): Promise<CaseReport> {
  const before = await whatIsKept(service);
  await service.pauses.take(service.api.pid);
  const memory = await MemoryPeaks.start(service.api.pid);
  const done = new AbortController();
  const probing = probe(service, done.signal);
  const timeout = sleep(CASE_TIMEOUT_MS, undefined, { signal: done.signal }).then(
    () => ["the case took too long"],
    () => [] as string[],
  );
  const wrong = await Promise.race([run(service, scale).catch((error) => [String(error)]), timeout]);
  done.abort();
  const others = await probing;
  if (service.api.ended) wrong.push("the API's process ended");
  const { pauseMs, controlMs } = service.api.ended
    ? { pauseMs: 0, controlMs: 0 }
    : await service.pauses.take(service.api.pid);
  const { apiMib, childrenMib } = await memory.stop();
  await service.deleteJobs().catch((error) => wrong.push(String(error)));
  return {
    name,
    worst_pause_ms: Math.round(pauseMs),
    machine_pause_ms: Math.round(controlMs),
    peak_mib: Math.round(apiMib),
    decoder_peak_mib: Math.round(childrenMib),
    other_owner_ms: Math.round(others.worstMs),
    left: await leftOver(service, before),
    wrong: [...wrong, ...others.refused],
  };
}

/** Submits as another owner again and again, at least once. */
async function probe(service: AbusedService, signal: AbortSignal) {
  let worstMs = 0;
  const refused = new Set<string>();
  do {
    const { ms, status } = await submitAsOther(service);
    worstMs = Math.max(worstMs, ms);
    if (status !== 202) refused.add(`another owner's submission was answered with ${status}`);
    await sleep(PROBE_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  } while (!signal.aborted);
  return { worstMs, refused: [...refused] };
}

async function submitAsOther({ other }: AbusedService): Promise<{ ms: number; status: number }> {
  const body = await form({ options: '{"preset":"draft","size":64}' });
  const started = performance.now();
  const response = await other.fetch("/v1/jobs", { method: "POST", body }).catch(() => null);
  const ms = performance.now() - started;
  if (response?.status !== 202) return { ms, status: response?.status ?? 0 };
  const { id } = (await response.json()) as { id: string };
  await other.fetch(`/v1/jobs/${id}`, { method: "DELETE" }).catch(() => undefined);
  return { ms, status: 202 };
}
