import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import { assemblePuzzle } from "../../../bench/gallery/assemble-puzzle.ts";
import { readQtResources } from "../../../bench/gallery/qt-resources.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("The gallery", () => {
  const folder = temporaryFolder();

  it("reads the files of a Qt resource file", async () => {
    const path = join(folder(), "two.rcc");
    await writeFile(
      path,
      qtResources("folder", { "a.webp": Buffer.from("first"), "b.qml": Buffer.from("2nd") }),
    );
    const files = await readQtResources(path);
    const texts = [...files].map(([name, bytes]) => [name, bytes.toString()]);
    expect(texts).toEqual([
      ["folder/a.webp", "first"],
      ["folder/b.qml", "2nd"],
    ]);
    await writeFile(path, "something else");
    await expect(readQtResources(path)).rejects.toThrow("two.rcc is no Qt resource file.");
  });

  it("puts the pieces of a puzzle together, without what surrounds them", async () => {
    const piece = (background: string) =>
      sharp({ create: { width: 10, height: 8, channels: 3, background } })
        .webp({ lossless: true })
        .toBuffer();
    const board = `"width": 40, "height": 20 },
      { "pixmapfile" : "image/red.webp", "x" : "0.25", "y" : "0.5" },
      { "pixmapfile" : "image/blue.webp", "x" : "0.5", "y" : "0.5" }`;
    const pieces = new Map([
      ["red.webp", await piece("#ff0000")],
      ["blue.webp", await piece("#0000ff")],
    ]);
    const { data, info } = await sharp(await assemblePuzzle(board, pieces))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 20, height: 8, channels: 3 });
    expect([...data.subarray(0, 3), ...data.subarray(3 * 19, 3 * 20)]).toEqual([255, 0, 0, 0, 0, 255]);
    pieces.delete("blue.webp");
    await expect(assemblePuzzle(board, pieces)).rejects.toThrow("The puzzle's piece blue.webp is missing.");
  });
});

/** A Qt resource file of version 3 with one folder. */
function qtResources(folder: string, files: Record<string, Buffer>): Buffer {
  const names: Buffer[] = [];
  const addName = (name: string) => {
    const offset = names.reduce((sum, { length }) => sum + length, 0);
    const text = Buffer.alloc(6 + 2 * name.length);
    text.writeUInt16BE(name.length, 0);
    text.write(name, 6, "utf16le");
    text.subarray(6).swap16();
    names.push(text);
    return offset;
  };
  const node = (name: string, flags: number, first: number, second: number) => {
    const bytes = Buffer.alloc(22);
    bytes.writeUInt32BE(addName(name), 0);
    bytes.writeUInt16BE(flags, 4);
    bytes.writeUInt32BE(first, 6);
    bytes.writeUInt32BE(second, 10);
    return bytes;
  };
  const nodes = [node("", 2, 1, 1), node(folder, 2, Object.keys(files).length, 2)];
  let data = Buffer.alloc(0);
  for (const [name, content] of Object.entries(files)) {
    const isCompressed = name.endsWith(".qml");
    const stored = isCompressed ? Buffer.concat([Buffer.alloc(4), deflateSync(content)]) : content;
    nodes.push(node(name, isCompressed ? 1 : 0, 0, data.length));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(stored.length);
    data = Buffer.concat([data, size, stored]);
  }
  const header = Buffer.alloc(24);
  header.write("qres");
  const tree = Buffer.concat(nodes);
  const offsets = [3, 24, 24 + tree.length, 24 + tree.length + data.length, 0];
  for (const [index, value] of offsets.entries()) header.writeUInt32BE(value, 4 + 4 * index);
  return Buffer.concat([header, tree, data, ...names]);
}
