/** Where a command writes: results to `out`, what people read meanwhile to `err`. */
export interface Terminal {
  out: NodeJS.WritableStream;
  err: NodeJS.WriteStream;
  input: NodeJS.ReadStream;
  environment: NodeJS.ProcessEnv;
}

/** Whether lines may be redrawn. */
export const canRedraw = ({ err }: Terminal) => err.isTTY === true;

/** Colours by ANSI codes, where a person looks and has not said no (https://no-color.org). */
export function colors({ err, environment }: Terminal) {
  const on = err.isTTY === true && !environment.NO_COLOR && environment.TERM !== "dumb";
  const paint = (code: number) => (text: string) => (on ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    bold: paint(1),
    dim: paint(2),
    red: paint(31),
    green: paint(32),
    yellow: paint(33),
    blue: paint(34),
  };
}

/** A JSON line for scripts. */
export function writeJson({ out }: Terminal, value: unknown): void {
  out.write(`${JSON.stringify(value)}\n`);
}

/** A table of columns wide enough for what is in them. */
export function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
