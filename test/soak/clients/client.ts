import { setTimeout as sleep } from "node:timers/promises";
import { happens } from "../chance.ts";
import type { Promised } from "../promised.ts";
import type { Api } from "./api.ts";
import { goOn } from "./go-on.ts";
import { paintBatch } from "./paint-batch.ts";
import { paintOne } from "./paint-one.ts";

/** What a client has to get something painted. */
export interface Painting {
  api: Api;
  promised: Promised;
  /** Who is to be told of the end. */
  webhook: { url: string } | undefined;
}

const HABITS = [paintOne, paintBatch, paintOne, goOn, paintOne, goOn];

/** Gets one thing painted after the other, until `jobs` are accepted of all clients together. */
export async function beClient(
  number: number,
  { api, promised }: Omit<Painting, "webhook">,
  url: string,
  { jobs, pauseMs }: { jobs: number; pauseMs: number },
): Promise<void> {
  for (let turn = number; promised.jobs.size < jobs; turn += 1) {
    const habit = HABITS[turn % HABITS.length] ?? paintOne;
    await habit({ api, promised, webhook: happens(0.5) ? { url } : undefined });
    await sleep(2 * pauseMs * Math.random());
  }
}
