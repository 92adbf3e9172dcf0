import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { ROOT } from "../../src/root.ts";
import { FilePainter } from "../pictures/file-painter.ts";
import type { Method } from "./methods.ts";
import { type Pair, pairName } from "./pairs.ts";
import { findPicture } from "./pictures.ts";

/** The pictures of a method, as paths by pair. */
export type Painted = Map<string, string>;

export interface PaintSettings {
  /** The folder of contents and styles. */
  pictures: string;
  /** The folder that keeps what was painted, by method and size. */
  output: string;
  /** The longest edge. */
  size: number;
  /** A folder with VGG-19's weights, for commands that read them: see bench/engine/write-weights.ts. */
  weights: string;
  log(line: string): void;
}

/**
 * Paints what a method has not painted yet, one picture after the other; an interrupted run resumes.
 * @throws Error if a folder lacks a pair, a command fails, or a picture has another size
 */
export async function paintMissing(
  method: Method,
  pairs: readonly Pair[],
  settings: PaintSettings,
): Promise<Painted> {
  const folder =
    method.kind === "folder"
      ? method.folder
      : join(settings.output, "painted", `${method.name}-${settings.size}`);
  const painted: Painted = new Map(
    pairs.map((pair) => [pairName(pair), join(folder, `${pairName(pair)}.png`)]),
  );
  const missing = pairs.filter((pair) => !existsSync(painted.get(pairName(pair)) ?? ""));
  if (missing.length > 0) {
    const painter = await createPainter(method, settings);
    await mkdir(folder, { recursive: true });
    try {
      for (const pair of missing) await paintPair(painter, pair, join(folder, pairName(pair)), settings);
    } finally {
      painter.dispose();
    }
  }
  for (const path of painted.values()) await checkSize(method.name, path, settings.size);
  return painted;
}

/** @param path without the ending. What is interrupted has another name, and is painted again. */
async function paintPair(painter: Painter, pair: Pair, path: string, { pictures, log }: PaintSettings) {
  const [content, style] = [
    await findPicture(pictures, pair.content),
    await findPicture(pictures, pair.style),
  ];
  const started = performance.now();
  await painter.paint(content, style, `${path}.partial.png`);
  await rename(`${path}.partial.png`, `${path}.png`);
  log(`${path}.png: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

interface Painter {
  paint(content: string, style: string, output: string): Promise<void>;
  dispose(): void;
}

async function createPainter(method: Method, { size, weights }: PaintSettings): Promise<Painter> {
  if (method.kind === "folder") {
    throw new Error(
      `Method ${method.name}: ${method.folder} lacks pictures. Expected CONTENT__STYLE.png for each pair.`,
    );
  }
  if (method.kind === "command") {
    const paint = async (content: string, style: string, output: string) =>
      await runCommand(method.command, { content, style, size: String(size), output, weights });
    return { paint, dispose: () => undefined };
  }
  const painter = await FilePainter.load();
  const paint = async (content: string, style: string, output: string) => {
    const options = { preset: method.preset, size, seed: 1 };
    const { picture } = await painter.paint({ content, styles: [style], options });
    await writeFile(output, picture);
  };
  return { paint, dispose: () => painter.dispose() };
}

/** Runs a command with its {placeholders} filled in. */
async function runCommand(command: readonly string[], values: Record<string, string>): Promise<void> {
  const [program = "", ...args] = command.map((word) =>
    word.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole),
  );
  await promisify(execFile)(program, args, { cwd: ROOT, maxBuffer: 2 ** 26 });
}

/** Pictures are compared at equal size: one that was painted smaller or larger looks worse for it. */
async function checkSize(method: string, path: string, size: number): Promise<void> {
  const { width, height } = await sharp(path).metadata();
  if (Math.max(width, height) !== size) {
    throw new Error(
      `Method ${method}: expected a longest edge of ${size} px, ${path} has ${width} × ${height}.`,
    );
  }
}
