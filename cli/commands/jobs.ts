import type { Job } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { columns, type Terminal, writeJson } from "../terminal.ts";

export interface JobsFlags extends ServerFlags {
  status?: Job["status"];
  limit: number;
  json?: boolean;
}

/** `nst jobs`: the newest first. */
export async function jobs(terminal: Terminal, flags: JobsFlags): Promise<void> {
  const { painter } = connect(flags, terminal);
  const page = await painter.jobs({ limit: flags.limit, ...(flags.status && { status: flags.status }) });
  if (flags.json) return writeJson(terminal, page);
  if (page.jobs.length === 0) {
    terminal.err.write("There are no jobs.\n");
    return;
  }
  const rows = page.jobs.map((job) => [job.id, job.status, how(job), job.created_at, title(job)]);
  terminal.out.write(`${columns([["ID", "STATUS", "", "CREATED", "PICTURES"], ...rows])}\n`);
}

function how({ status, progress, queue, error }: Job): string {
  if (status === "queued") return queue ? `${queue.position} ahead` : "";
  if (status === "running") return `${Math.floor(100 * (progress?.fraction ?? 0))} %`;
  return error?.code ?? "";
}

function title({ metadata }: Job): string {
  const { content, styles } = metadata;
  return typeof content === "string" ? `${content} in ${styles}` : "";
}
