import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type PresetName, presetNameSchema } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { FilePainter } from "../pictures/file-painter.ts";
import { type Pair, pairName } from "./pairs.ts";

/** A way to paint: a preset of this tree, a command, or a folder of pictures that were painted elsewhere. */
type Method = { name: string } & (
  | { kind: "preset"; preset: PresetName }
  | { kind: "command"; command: string }
  | { kind: "folder"; folder: string }
);

/**
 * @param text "balanced" (a preset), "before=FOLDER" (pictures named CONTENT__STYLE.png), or
 *   "peer=python peer.py {content} {style} {size} {output}" (a command that paints one picture)
 */
export function parseMethod(text: string): Method {
  const [, name, value] = /^([\w.-]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    return { name: text, kind: "preset", preset: presetNameSchema.parse(text) };
  }
  if (value.includes("{output}")) return { name, kind: "command", command: value };
  if (!existsSync(value)) throw new Error(`Method ${name}: there is no folder ${value}.`);
  return { name, kind: "folder", folder: resolve(value) };
}

/** The pictures of a method, as paths by pair. */
export type Painted = Map<string, string>;

/**
 * Paints what a method has not painted yet, one picture after the other; an interrupted run resumes.
 * @param pictures the folder of contents and styles
 * @param output the folder that keeps what was painted, by method and size
 * @throws Error if a folder lacks a pair, or a command fails
 */
export async function paintMissing(
  method: Method,
  pairs: readonly Pair[],
  settings: { pictures: string; output: string; size: number; log(line: string): void },
): Promise<Painted> {
  const folder =
    method.kind === "folder"
      ? method.folder
      : join(settings.output, "painted", `${method.name}-${settings.size}`);
  await mkdir(folder, { recursive: true });
  const painted: Painted = new Map();
  let painter: FilePainter | undefined;
  try {
    for (const pair of pairs) {
      const path = join(folder, `${pairName(pair)}.png`);
      painted.set(pairName(pair), path);
      if (existsSync(path)) continue;
      if (method.kind === "folder") throw new Error(`Method ${method.name}: ${path} is missing.`);
      const [content, style] = await Promise.all([
        findPicture(settings.pictures, pair.content),
        findPicture(settings.pictures, pair.style),
      ]);
      const started = performance.now();
      const partial = `${path}.partial`;
      if (method.kind === "preset") {
        painter ??= await FilePainter.load();
        const options = { preset: method.preset, size: settings.size, seed: 1 };
        const { picture } = await painter.paint({ content, styles: [style], options });
        await writeFile(partial, picture);
      } else {
        await runCommand(method.command, { content, style, size: String(settings.size), output: path });
      }
      if (existsSync(partial)) await rename(partial, path);
      settings.log(
        `${method.name}: ${pairName(pair)}, ${((performance.now() - started) / 1000).toFixed(0)} s`,
      );
    }
  } finally {
    painter?.dispose();
  }
  return painted;
}

/** @throws Error if no file has that name, with any ending */
export async function findPicture(folder: string, name: string): Promise<string> {
  const file = (await readdir(folder)).find((one) => one.replace(/\.\w+$/, "") === name);
  if (file === undefined) throw new Error(`There is no picture ${name} in ${folder}.`);
  return join(folder, file);
}

/** Runs a command with its {placeholders} filled in. Words are split at spaces. */
async function runCommand(command: string, values: Record<string, string>): Promise<void> {
  const [program = "", ...args] = command
    .split(/\s+/)
    .map((word) => word.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole));
  await promisify(execFile)(program, args, { cwd: ROOT, maxBuffer: 2 ** 26 });
}
