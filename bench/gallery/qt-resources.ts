import { readFile } from "node:fs/promises";
import { inflateSync } from "node:zlib";

const [ZLIB, DIRECTORY, ZSTANDARD] = [1, 2, 4];

/**
 * Reads the files in a binary resource file of Qt (rcc, versions 1 to 3) except those that Zstandard compressed.
 *
 * @returns contents by path, such as gcompris/src/a.webp
 * @throws Error if it is no such file
 */
export async function readQtResources(path: string): Promise<Map<string, Buffer>> {
  const bytes = await readFile(path);
  if (bytes.toString("latin1", 0, 4) !== "qres") throw new Error(`${path} is no Qt resource file.`);
  const [version, tree, data, names] = [4, 8, 12, 16].map((offset) => bytes.readUInt32BE(offset)) as [
    number,
    number,
    number,
    number,
  ];
  const nodeSize = version === 1 ? 14 : 22; // later ones end with a time
  const files = new Map<string, Buffer>();

  const addNode = (index: number, folder: string): void => {
    const node = tree + index * nodeSize;
    const path = folder + readName(bytes, names + bytes.readUInt32BE(node));
    const flags = bytes.readUInt16BE(node + 4);
    if (flags & DIRECTORY) {
      const [count, first] = [bytes.readUInt32BE(node + 6), bytes.readUInt32BE(node + 10)];
      for (let child = first; child < first + count; child++) addNode(child, path === "" ? "" : `${path}/`);
    } else if (!(flags & ZSTANDARD)) {
      const start = data + bytes.readUInt32BE(node + 10);
      const content = bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start));
      files.set(path, flags & ZLIB ? inflateSync(content.subarray(4)) : content); // after its size
    }
  };
  addNode(0, "");
  return files;
}

/** A name: its length, a hash, and UTF-16 in big-endian order. */
function readName(bytes: Buffer, offset: number): string {
  const text = bytes.subarray(offset + 6, offset + 6 + 2 * bytes.readUInt16BE(offset));
  return Buffer.from(text).swap16().toString("utf16le");
}
