import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { CommandError, EXIT } from "../../cli/exit-codes.ts";
import { Paintings } from "../../cli/paintings.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { Painter } from "../../clients/typescript/index.ts";

it("Many pictures are sent some at a time, and the failure of each is told under its name", async () => {
  const err = new PassThrough();
  const terminal = { out: new PassThrough(), err, input: new PassThrough(), environment: {} };
  const painter = new Painter("http://127.0.0.1:1");
  const connection = { painter, url: "", embedded: false, close: async () => undefined };
  let underWay = 0;
  let most = 0;
  const list = Array.from({ length: 100 }, (_, index) => ({
    name: `picture-${index}`,
    output: "",
    submit: async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(5);
      underWay -= 1;
      throw new CommandError("refused", index === 0 ? EXIT.refused : EXIT.failed);
    },
  }));
  const run = new Paintings(terminal as unknown as Terminal, connection, {}).run(list);
  await expect(run).rejects.toMatchObject({ message: "picture-0: refused", code: EXIT.refused });
  expect(most).toBe(16);
  err.end();
  const told = (await text(err)).trim().split("\n");
  expect(told).toEqual(list.slice(1).map(({ name }) => `${name}: refused`));
});
