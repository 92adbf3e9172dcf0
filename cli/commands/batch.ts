import { setTimeout as sleep } from "node:timers/promises";
import { type components, type NstClient, unwrap } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { expand } from "../expand-inputs.ts";
import { parseOptions } from "../option-flags.ts";
import { PictureReader } from "../picture-source.ts";
import { saveFile } from "../save-file.ts";
import { type Terminal, writeJson } from "../terminal.ts";

const POLL_MS = 1_000;

type Batch = components["schemas"]["Batch"];

export interface BatchFlags extends ServerFlags {
  style: string[];
  outputFile?: string;
  options?: string;
  detach?: boolean;
  json?: boolean;
}

/** `nst batch CONTENT… --style STYLE…`: submits one batch, follows it, and writes a zip of its results. */
export async function batch(
  terminal: Terminal,
  contents: string[],
  flags: BatchFlags & Record<string, unknown>,
): Promise<void> {
  const options = parseOptions(flags);
  const { client } = connect(flags, terminal);
  const reader = new PictureReader(terminal);
  const pictures = await reader.read({
    content: await expandAll(contents, terminal),
    style: await expandAll(flags.style, terminal),
  });
  const header = { "idempotency-key": crypto.randomUUID() };
  const submitted = await unwrap(
    client.api.POST("/v1/batches", { params: { header }, body: { ...pictures, options } as never }),
  );
  if (flags.detach) {
    if (flags.json) writeJson(terminal, { batch: submitted, file: null });
    else terminal.out.write(`${submitted.id}\n`);
    return;
  }
  const ended = await untilFinished(client, submitted, ({ counts, jobs }) => {
    const done = (counts.succeeded ?? 0) + (counts.failed ?? 0) + (counts.canceled ?? 0);
    terminal.err.write(`${done} of ${jobs.length} done\n`);
  });
  if ((ended.counts.succeeded ?? 0) > 0) {
    await saveFile(
      terminal,
      await client.picture(`/v1/batches/${ended.id}/result`),
      flags.outputFile,
      ended.id,
    );
  }
  if (flags.json) writeJson(terminal, ended);
  if ((ended.counts.failed ?? 0) > 0) throw new CommandError("Some jobs failed", EXIT.jobFailed);
  if ((ended.counts.canceled ?? 0) > 0) throw new CommandError("Some jobs were canceled", EXIT.jobCanceled);
}

async function expandAll(paths: string[], { err }: Terminal): Promise<string[]> {
  const expanded = await Promise.all(
    paths.map((path) => expand(path, (message) => err.write(`${message}\n`))),
  );
  return expanded.flatMap((one) => one.paths);
}

/** Resolves with the finished batch. Calls `onChange` whenever another job has ended. */
async function untilFinished(
  client: NstClient,
  batch: Batch,
  onChange: (batch: Batch) => void,
): Promise<Batch> {
  for (let latest = batch, counts = ""; ; await sleep(POLL_MS)) {
    if (JSON.stringify(latest.counts) !== counts) onChange(latest);
    counts = JSON.stringify(latest.counts);
    if (latest.status === "finished") return latest;
    latest = await unwrap(client.api.GET("/v1/batches/{id}", { params: { path: { id: batch.id } } }));
  }
}
