import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../../src/root.ts";
import { TestDeployment } from "../../support/harness/deployment.ts";

let deployment: TestDeployment;
let server: string;
let examples: string[];
beforeAll(async () => {
  deployment = await TestDeployment.create();
  // The README's reader has a service with anonymous access, as `npm start` runs it.
  const open = deployment.startApi({ ANONYMOUS_ACCESS: "loopback" });
  [{ address: server }] = await Promise.all([open, deployment.startWorker()]);
  const readme = await readFile(join(ROOT, "clients/typescript/README.md"), "utf8");
  examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code ?? "");
});
afterAll(() => deployment?.close());

/** Runs an example inside this package, so that its import of `nst/client` resolves. */
async function run(index: number): Promise<string> {
  const folder = join(ROOT, "build/examples");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `example-${index}.mjs`);
  const code = examples[index]?.replaceAll('"painted.png"', JSON.stringify(join(folder, "painted.png")));
  await writeFile(file, code ?? "");
  const env = { ...process.env, NST_SERVER: server, NST_API_KEY: "" };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: ROOT, env });
  return stdout;
}

describe("Examples in the client's README", () => {
  it("paints a picture and prints progress", async () => {
    expect(examples).toHaveLength(3);
    const out = await run(0);
    expect(out).toMatch(/\d+ %,/);
    expect(out).toMatch(/^succeeded [0-9a-f-]{36}$/m);
    expect((await readFile(join(ROOT, "build/examples/painted.png"))).subarray(1, 4).toString()).toBe("PNG");
  });

  it("submits, follows and fetches the result in another format", async () => {
    const out = await run(1);
    expect(out).toMatch(/^preview of step \d+ \d+ bytes$/m);
    expect(out).toMatch(/^succeeded$/m);
    expect(out).toMatch(/^image\/webp$/m);
  });

  it("handles error responses and timeouts", async () => {
    expect(await run(2)).toMatch(/^415 unsupported_picture false\n(TimeoutError|ProblemError)\n$/);
  });
});
