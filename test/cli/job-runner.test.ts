import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { CommandError } from "../../cli/errors.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { JobRunner } from "../../cli/job-runner.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { NstClient } from "../../clients/typescript/index.ts";

it("runs at most 16 jobs at a time and reports each error with the job's name", async () => {
  const err = new PassThrough();
  const terminal = { out: new PassThrough(), err, input: new PassThrough(), environment: {} };
  const client = new NstClient("http://127.0.0.1:1");
  const connection = { client, url: "", embedded: false, close: async () => undefined };
  let running = 0;
  let maxRunning = 0;
  const requests = Array.from({ length: 100 }, (_, index) => ({
    name: `picture-${index}`,
    output: "",
    submit: async () => {
      running += 1;
      maxRunning = Math.max(maxRunning, running);
      await nextTurn();
      running -= 1;
      throw new CommandError("refused", index === 0 ? EXIT.rejected : EXIT.failed);
    },
  }));
  const run = new JobRunner(terminal as unknown as Terminal, connection, {}).run(requests);
  await expect(run).rejects.toMatchObject({ message: "picture-0: refused", code: EXIT.rejected });
  expect(maxRunning).toBe(16);
  err.end();
  const lines = (await text(err)).trim().split("\n");
  expect(lines).toEqual(requests.slice(1).map(({ name }) => `${name}: refused`));
});
