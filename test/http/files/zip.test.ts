import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
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
