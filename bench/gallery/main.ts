/**
 * Paints photographs in the style of old masters into docs/pictures/gallery, all or the named ones. Needs Debian or a system like it, for apt-get.
 *
 *     npm run gallery [-- NAME…]
 *
 * The photographs and paintings come out of GCompris' data, a Debian package: the photographs are in the public domain or
 * under CC0, the paintings are a hundred years old and more. They are not kept.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import type { RequestOptions } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";
import { FilePainter, sideBySide } from "../pictures/file-painter.ts";
import { assemblePuzzle } from "./assemble-puzzle.ts";
import { readQtResources } from "./qt-resources.ts";

const PACKAGE = "gcompris-qt-data";

/** Photographs, and paintings by the number of their puzzle. */
const PICTURES: Record<string, { photograph: string; puzzle: number }> = {
  castle: { photograph: "neuschwansteinCastle", puzzle: 22 },
  macaw: { photograph: "scarlet_macaw", puzzle: 11 },
  chateau: { photograph: "chateaudeChenonceau", puzzle: 7 },
  koala: { photograph: "koala", puzzle: 1 },
  lemurs: { photograph: "lemur", puzzle: 6 },
  abbey: { photograph: "montStMichel", puzzle: 20 },
};

/** These show the dial of style_weight too. */
const DIALS = ["castle", "macaw", "koala", "chateau"];
const DIAL = [1, 3, 10];

const run = promisify(execFile);
const scratch = await mkdtemp(join(tmpdir(), "nst-gallery-"));
try {
  const files = await fetchResources();
  const painter = await FilePainter.load();
  const folder = join(ROOT, "docs/pictures/gallery");
  await mkdir(folder, { recursive: true });
  const write = async (name: string, picture: Uint8Array) => {
    const bytes = await sharp(picture).webp({ quality: 82 }).toBuffer();
    await writeFile(join(folder, `${name}.webp`), bytes);
    console.log(`${name}: ${Math.round(bytes.length / 1024)} KiB`);
  };
  const named = process.argv.slice(2);
  for (const [name, { photograph, puzzle }] of Object.entries(PICTURES)) {
    const [content, style] = [join(scratch, `${name}.webp`), join(scratch, `${name}-style.png`)];
    await writeFile(content, files.get(`${photograph}.webp`) ?? "");
    await writeFile(style, await assemblePuzzle(String(files.get(`board${puzzle}_0.qml`)), files));
    const paint = async (options: RequestOptions) => {
      const request = {
        content,
        styles: [style],
        options: { preset: "balanced", seed: 1, ...options } as const,
      };
      return (await painter.paint(request)).picture;
    };
    const isWanted = (one: string) => named.length === 0 || named.includes(one);
    if (isWanted(name)) await write(name, await paint({ size: 512 }));
    if (DIALS.includes(name) && isWanted(`${name}-dial`)) {
      const pictures = [];
      for (const style_weight of DIAL) pictures.push(await paint({ size: 256, style_weight }));
      await write(`${name}-dial`, await sideBySide(pictures, 192));
    }
  }
  painter.dispose();
} finally {
  await rm(scratch, { recursive: true });
}

/** Downloads the package, and returns the contents of its resource files by file name. */
async function fetchResources(): Promise<Map<string, Buffer>> {
  await run("apt-get", ["download", PACKAGE], { cwd: scratch });
  const archive = (await readdir(scratch)).find((file) => file.endsWith(".deb")) ?? "";
  await run("dpkg-deb", ["--extract", archive, "."], { cwd: scratch });
  const files = new Map<string, Buffer>();
  for (const name of ["paintings", "explore_monuments", "explore_world_animals"]) {
    const resources = await readQtResources(join(scratch, `usr/share/gcompris-qt/rcc/${name}.rcc`));
    for (const [path, bytes] of resources) files.set(path.slice(path.lastIndexOf("/") + 1), bytes);
  }
  return files;
}
