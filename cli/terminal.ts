/** The streams of a command: results go to `out`, progress and messages to `err`. */
export interface Terminal {
  out: NodeJS.WritableStream;
  err: NodeJS.WriteStream;
  input: NodeJS.ReadStream;
  environment: NodeJS.ProcessEnv;
}

/** Whether the progress line can be redrawn in place. */
export const canRedraw = ({ err }: Terminal) => err.isTTY === true;

/** Adds ANSI colours if stderr is a terminal and NO_COLOR is not set (https://no-color.org). */
export function colors({ err, environment }: Terminal) {
  const on = err.isTTY === true && !environment.NO_COLOR && environment.TERM !== "dumb";
  const color = (code: number) => (text: string) => (on ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    bold: color(1),
    dim: color(2),
    red: color(31),
    green: color(32),
    yellow: color(33),
    blue: color(34),
  };
}

/** Writes one line of JSON to stdout. */
export function writeJson({ out }: Terminal, value: unknown): void {
  out.write(`${JSON.stringify(value)}\n`);
}

/** Formats rows as a table with aligned columns. */
export function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
