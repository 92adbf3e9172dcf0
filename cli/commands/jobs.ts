import type { Job } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { columns, type Terminal, writeJson } from "../terminal.ts";

interface JobsFlags extends ServerFlags {
  status?: Job["status"];
  limit: number;
  json?: boolean;
}

/** `nst jobs`: lists jobs, newest first. */
export async function jobs(terminal: Terminal, flags: JobsFlags): Promise<void> {
  const { client } = connect(flags, terminal);
  const page = await client.jobs({ limit: flags.limit, ...(flags.status && { status: flags.status }) });
  if (flags.json) return writeJson(terminal, page);
  if (page.jobs.length === 0) {
    terminal.err.write("No jobs.\n");
    return;
  }
  const rows = page.jobs.map((job) => [job.id, job.status, detail(job), job.created_at, pictures(job)]);
  terminal.out.write(`${columns([["ID", "STATUS", "", "CREATED", "PICTURES"], ...rows])}\n`);
}

function detail({ status, progress, queue, error }: Job): string {
  if (status === "queued") return queue ? `${queue.position} ahead` : "";
  if (status === "running") return `${Math.floor(100 * (progress?.fraction ?? 0))} %`;
  return error?.code ?? "";
}

/** The names of the pictures, if `nst paint` submitted the job. */
function pictures({ metadata: { content, styles } }: Job): string {
  return typeof content === "string" ? `${content} in ${styles}` : "";
}
