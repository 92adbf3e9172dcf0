import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../../src/contract/problems.ts";
import { decodePicture } from "../../src/pictures/decode.ts";
import { contentSize } from "../../src/pictures/picture-size.ts";
import { PICTURE_TYPES, type PictureType } from "../../src/pictures/picture-type.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { jpeg } from "../support/pictures.ts";
import { dice, mutate } from "./mutate.ts";
import { makeSeeds } from "./seeds.ts";

const CLIENTS = 4;
const SIZE = 64;
/** The API's whole memory may grow by so much over a run: decoders' own, and the allocator's slack. */
const GROWTH_MIB = 400;

/** What a broken picture may be answered with. */
const CLEAN = [
  ...["corrupt_picture", "unsupported_picture", "mismatched_picture", "animated_picture", "empty_picture"],
  ...["too_many_pixels", "picture_too_small", "picture_too_narrow", "picture_too_slow", "picture_too_large"],
];

interface FuzzPlan {
  seconds: number;
  seed: number;
  /** Where files are kept that were answered wrongly. */
  folder: string;
}

interface FuzzReport {
  /** Files sent, by type, and how each was answered. */
  types: Record<PictureType, { sent: number; answers: Record<string, number> }>;
  /** What was wrong: an answer that is none of the clean ones, or an accepted file that cannot be decoded. */
  wrong: string[];
  /** The API's memory after its first pictures and at the end, in MiB. */
  memory: [number, number];
  /** Whether the process that began still serves, a whole picture included. */
  serves: boolean;
  /** What it left in its spool. */
  leftovers: number;
}

/** Sends broken pictures to a real API for some seconds. */
export async function fuzz({ seconds, seed, folder }: FuzzPlan): Promise<FuzzReport> {
  const deployment = await TestDeployment.create();
  try {
    const limits = {
      ...{ MAX_QUEUED_JOBS_PER_OWNER: "1000000", MAX_JOBS_PER_OWNER: "1000000", LOG_LEVEL: "info" },
      ...{ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0" },
    };
    const { api, client } = await deployment.startApi(limits);
    const style = await jpeg();
    const seeds = await makeSeeds();
    const types = Object.fromEntries(
      PICTURE_TYPES.map((type) => [type, { sent: 0, answers: {} as Record<string, number> }]),
    ) as FuzzReport["types"];
    const wrong: string[] = [];

    const send = async (picture: Buffer): Promise<{ answer: string; id: string | null }> => {
      const form = new FormData();
      form.append("content", new Blob([new Uint8Array(picture)]));
      form.append("style", new Blob([new Uint8Array(style)]));
      form.append("options", JSON.stringify({ preset: "draft", size: SIZE, steps: 1 }));
      const response = await client.fetch("/v1/jobs", { method: "POST", body: form });
      const body = (await response.json()) as { id: string } & Problem;
      return response.status === 202 ? { answer: "accepted", id: body.id } : { answer: body.code, id: null };
    };
    const sendMutated = async (type: PictureType, roll: (below: number) => number): Promise<void> => {
      const whole = seeds[type][roll(seeds[type].length)] as Buffer;
      const picture = mutate(
        whole,
        roll,
        PICTURE_TYPES.flatMap((each) => seeds[each]),
      );
      const { answer, id } = await send(picture).catch((error: Error) => ({
        answer: `no answer: ${error}`,
        id: null,
      }));
      types[type].sent += 1;
      types[type].answers[answer] = (types[type].answers[answer] ?? 0) + 1;
      let what = id === null && !CLEAN.includes(answer) ? answer : null;
      if (id !== null) {
        what = await decode(picture).then(
          () => null,
          (error: Error) => `accepted, but: ${error.message}`,
        );
        await client.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
      }
      if (what === null) return;
      wrong.push(`${type}: ${what}`);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, `${type}-${seed}-${wrong.length}`), picture);
    };

    for (const type of PICTURE_TYPES) for (const whole of seeds[type]) await send(whole);
    const before = await memoryOf(api.pid);
    const end = performance.now() + seconds * 1000;
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      const roll = dice(seed * CLIENTS + client + 1);
      for (let turn = client; performance.now() < end && !api.ended; turn += 1) {
        await sendMutated(PICTURE_TYPES[turn % PICTURE_TYPES.length] as PictureType, roll);
      }
    });
    await Promise.all(clients);
    const serves = !api.ended && (await send(await jpeg())).answer === "accepted";
    const memory: [number, number] = [before, api.ended ? 0 : await memoryOf(api.pid)];
    const leftovers = (await readdir(join(deployment.folder, "spool"))).length;
    return { types, wrong, memory, serves, leftovers };
  } finally {
    await deployment.close();
  }
}

/** Whether nothing was wrong, and each type got answers of more than one kind: a fuzzer that changes nothing finds nothing. */
export function isClean({ types, wrong, serves, leftovers, memory: [before, after] }: FuzzReport): boolean {
  const hasVariety = Object.values(types).every(({ answers }) => Object.keys(answers).length > 1);
  return hasVariety && wrong.length === 0 && serves && leftovers === 0 && after - before < GROWTH_MIB;
}

/** As the worker will. */
async function decode(picture: Buffer): Promise<void> {
  const limits = { picturePixels: 64_000_000, pictureSeconds: 20 };
  await decodePicture(picture, (size) => contentSize(size, SIZE), limits);
}

/** Resident memory in MiB; 0 where the system does not tell. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
