import { once } from "node:events";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { inflateRawSync } from "node:zlib";
import { expect, it } from "@jest/globals";
import { zip } from "../../../src/http/files/zip.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

const folder = temporaryFolder();

it("A zip closes its file and opens no other if the reader disconnects", async () => {
  const path = join(folder(), "picture");
  await writeFile(path, new Uint8Array(4_000_000));
  const opened: Readable[] = [];
  const open = async () => {
    const stream = createReadStream(path);
    opened.push(stream);
    return stream;
  };
  const reader = zip([
    { name: "one", open },
    { name: "two", open },
  ]);
  for await (const _ of reader) break;
  await until(() => opened.every(({ closed }) => closed));
  expect(opened).toHaveLength(1);
});

it("A zip closes a file that was being opened when the reader disconnected", async () => {
  const path = join(folder(), "picture");
  await writeFile(path, new Uint8Array(4_000_000));
  let give: (stream: Readable) => void = () => undefined;
  const reader = zip([
    {
      name: "one",
      open: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    },
  ]);
  reader.resume();
  await new Promise((resolve) => setImmediate(resolve));
  reader.destroy();
  const late = createReadStream(path);
  give(late);
  await until(() => late.closed);
});

it("A zip can be read as a stream: no entry's size is needed before its end", async () => {
  const contents = { "one.png": Buffer.from("a".repeat(70_000)), "two.png": Buffer.from("b") };
  const reader = zip(
    Object.entries(contents).map(([name, bytes]) => ({ name, open: async () => Readable.from([bytes]) })),
  );
  const chunks: Buffer[] = [];
  reader.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(reader, "end");
  const archive = Buffer.concat(chunks);
  const found: Record<string, Buffer> = {};
  // Each local file header (APPNOTE.TXT, 4.3.7), as a reader sees it that has not come to the central directory.
  for (let at = 0; archive.readUInt32LE(at) === 0x04034b50; ) {
    const [flags, method] = [archive.readUInt16LE(at + 6), archive.readUInt16LE(at + 8)];
    const name = archive.subarray(at + 30, at + 30 + archive.readUInt16LE(at + 26)).toString();
    const data = at + 30 + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
    const hasDescriptor = (flags & 8) !== 0;
    // DEFLATE marks its own end; a stored entry with a data descriptor does not.
    expect([hasDescriptor, method]).toEqual([true, 8]);
    const { buffer, engine } = inflateRawSync(archive.subarray(data), { info: true }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    found[name] = buffer;
    at = data + engine.bytesWritten + 16;
  }
  expect(found).toEqual(contents);
});
