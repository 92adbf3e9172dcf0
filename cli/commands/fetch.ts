import { type PictureFormat, unwrap } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { formatFromPath } from "../output-file.ts";
import { saveFile } from "../save-file.ts";
import { columns, type Terminal, writeJson } from "../terminal.ts";

/** `nst fetch ID`: writes a job's result to a file, or to stdout if that is piped and no file is named. */
export async function fetchResult(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { outputFile?: string; format?: PictureFormat },
): Promise<void> {
  const { client } = connect(flags, terminal);
  const format = await formatFromPath(flags.outputFile, flags.format);
  const picture = await client.result(id, format ? { format } : {});
  await saveFile(terminal, picture, flags.outputFile, id);
}

/** `nst timelapse ID`: writes the animated WebP of an ended job. */
export async function fetchTimelapse(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { outputFile?: string },
): Promise<void> {
  const { client } = connect(flags, terminal);
  await saveFile(
    terminal,
    await client.picture(`/v1/jobs/${id}/timelapse`),
    flags.outputFile,
    `${id}-timelapse`,
  );
}

/** `nst links ID`: prints URLs from which anyone can fetch the job's pictures for a while. */
export async function links(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { expiresIn?: number; json?: boolean },
): Promise<void> {
  const { client, url } = connect(flags, terminal);
  const body = flags.expiresIn === undefined ? {} : { expires_in: flags.expiresIn };
  const signed = await unwrap(client.api.POST("/v1/jobs/{id}/links", { params: { path: { id } }, body }));
  if (flags.json) return writeJson(terminal, signed);
  const rows = Object.entries(signed.links).map(([name, path]) => [name, `${url}${path}`]);
  terminal.out.write(`${columns(rows)}\n`);
  terminal.err.write(`valid until ${signed.expires_at}\n`);
}
