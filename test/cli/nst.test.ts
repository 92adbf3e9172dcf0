import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Job } from "../../clients/typescript/index.ts";
import { sharp } from "../../src/pictures/sharp.ts";
import { ROOT } from "../../src/root.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { NARROW_WEIGHTS } from "../support/harness/program.ts";
import { jpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

// Runs the real command against a real service.
let deployment: TestDeployment;
let server: string;
let folder: string;
beforeAll(async () => {
  deployment = await TestDeployment.create();
  folder = await mkdtemp(join(tmpdir(), "nst-cli-"));
  [{ address: server }] = await Promise.all([deployment.startApi(), deployment.startWorker()]);
  for (const [index, name] of ["contents/anna.jpg", "contents/ben.jpg", "styles/reed.jpg"].entries()) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), await jpeg({ seed: index + 1 }));
  }
  await writeFile(join(folder, "contents/notes.txt"), "not a picture");
});
afterAll(async () => {
  await deployment?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Result {
  code: number;
  out: string;
  err: string;
}

const environment = () => ({
  ...process.env,
  NST_SERVER: server,
  NST_API_KEY: deployment.apiKey,
  NST_VGG19_WEIGHTS: NARROW_WEIGHTS,
});
const script = join(ROOT, "scripts/nst.mjs");

function nst(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment() };
    const child = execFile(process.execPath, [script, ...args], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}
const QUICK = ["--preset", "draft", "--size", "64", "--steps", "8"];
const ENDLESS = ["--size", "64", "--steps", "20000"];
const anna = "contents/anna.jpg";
const reed = "styles/reed.jpg";
const detached = async () => (await nst("paint", anna, reed, ...ENDLESS, "--detach", "--json")).out;
const idOf = (line: string) => (JSON.parse(line) as { job: Job }).job.id;

describe("nst paint", () => {
  it("writes the result in the format of the file name and shows progress", async () => {
    const { code, out, err } = await nst("paint", anna, reed, ...QUICK, "-o", "painted.webp");
    expect(err).toMatch(/step 8\/8|100 %|painted\.webp/);
    expect([code, out]).toEqual([0, ""]);
    // stderr is not a terminal: no colours, and no line is redrawn.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI codes start with a control character
    expect(err).not.toMatch(/[\x1b\r]/);
    const { format, width } = await sharp(await readFile(join(folder, "painted.webp"))).metadata();
    expect([format, width]).toEqual(["webp", 64]);
  });

  it("paints every content of a folder in every style of another folder", async () => {
    const { code, out } = await nst("paint", "contents", "styles", ...QUICK, "-o", "all", "--json");
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { job: Job; file: string });
    expect(lines.map(({ job }) => [job.status, job.options.steps])).toEqual([
      ["succeeded", 8],
      ["succeeded", 8],
    ]);
    expect((await readdir(join(folder, "all"))).sort()).toEqual(["anna-in-reed.png", "ben-in-reed.png"]);
  });

  it("paints the valid pictures of a folder and reports each rejected one by name", async () => {
    await mkdir(join(folder, "mixed"));
    for (const [index, name] of ["anna.jpg", "anna.jpeg"].entries())
      await writeFile(join(folder, "mixed", name), await jpeg({ seed: index + 1 }));
    await writeFile(join(folder, "mixed/broken.jpg"), "not a picture");
    await writeFile(join(folder, "mixed/empty.jpg"), "");
    const { code, err } = await nst("paint", "mixed", reed, ...QUICK, "-o", "some");
    expect(code).toBe(3);
    expect(err).toMatch(/^nst: broken-in-reed: .*not a JPEG.*\n {2}content: expected/m);
    expect(err).toMatch(/^empty-in-reed: .*empty.*\n {2}content: expected/m);
    // anna.jpg and anna.jpeg get two output files.
    expect((await readdir(join(folder, "some"))).sort()).toEqual(["anna-in-reed-2.png", "anna-in-reed.png"]);
  });

  it("creates the output folder, and fails before submitting if it cannot", async () => {
    const one = ["paint", anna, reed, ...QUICK];
    expect((await nst(...one, "-o", "deep/er/painted.png")).code).toBe(0);
    expect((await nst(...one, "-o", "deep/er/")).code).toBe(0);
    expect((await nst(...one, "-o", "deep")).code).toBe(0);
    expect(await readdir(join(folder, "deep/er"))).toEqual(["anna-in-reed.png", "painted.png"]);
    expect(await readdir(join(folder, "deep"))).toEqual(["anna-in-reed.png", "er"]);
    const before = await deployment.queue.statistics.countByStatus();
    const { code, err } = await nst(...one, "-o", "contents/notes.txt/painted.png");
    expect([code, err]).toEqual([
      2,
      expect.stringContaining("contents/notes.txt: expected a writable folder"),
    ]);
    expect(await deployment.queue.statistics.countByStatus()).toEqual(before);
  });

  it("starts a service with --embedded and stops it at the end", async () => {
    const { code, err } = await nst("paint", anna, reed, ...QUICK, "--embedded", "-o", "own.png");
    expect(err).toContain("starting a service for this command");
    expect(code).toBe(0);
    expect((await sharp(await readFile(join(folder, "own.png"))).metadata()).width).toBe(64);
  });

  it("stops the embedded service if the command is killed", async () => {
    const log = join(folder, "killed.log");
    const args = ["paint", anna, reed, ...ENDLESS, "--embedded", "--service-log", log];
    const child = spawn(process.execPath, [script, ...args], {
      cwd: folder,
      env: environment(),
      stdio: "ignore",
    });
    const logContains = async (text: string) => (await readFile(log, "utf8").catch(() => "")).includes(text);
    await until(() => logContains("job started"));
    child.kill("SIGKILL");
    await until(() => logContains("stopping: "));
  });

  it("leaves the job running at Ctrl-C if stdin is not a terminal, and prints how to follow it", async () => {
    const child = spawn(process.execPath, [script, "paint", anna, reed, ...ENDLESS], {
      cwd: folder,
      env: environment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    child.stderr.on("data", (bytes) => {
      const running = /step \d/.test(err);
      err += bytes;
      if (!running && /step \d/.test(err)) child.kill("SIGINT");
    });
    expect((await once(child, "close"))[0]).toBe(130);
    const id = /nst watch (\S+)/.exec(err)?.[1] ?? "";
    expect((await deployment.queue.find(id))?.status).toBe("running");
    expect(await nst("cancel", id)).toMatchObject({ code: 0, out: `${id}  canceled\n` });
  });

  it("exits with the documented code for each kind of error", async () => {
    const exitCode = async (...args: string[]) => (await nst(...args)).code;
    expect(await exitCode("paint", "nowhere.jpg", reed)).toBe(2);
    expect(await exitCode("paint", anna, reed, "--steps", "many")).toBe(2);
    expect(await exitCode("paint", anna, reed, "--options", '{"stepz": 3}')).toBe(2);
    expect(await exitCode("paint", "contents/notes.txt", reed)).toBe(3);
    expect(await exitCode("jobs", "--server", "http://127.0.0.1:1")).toBe(6);
    expect(await exitCode("watch", "no-such-job")).toBe(3);
    expect(await exitCode("pain")).toBe(2);
  });
});

describe("nst jobs, watch, fetch, cancel", () => {
  it("list, follow, download and cancel jobs", async () => {
    const id = idOf(await detached());
    const listed = JSON.parse((await nst("jobs", "--json", "--limit", "1")).out) as { jobs: Job[] };
    expect(listed.jobs.map((job) => job.id)).toEqual([id]);
    expect((await nst("jobs")).out).toContain(id);
    const watching = nst("watch", id, "--json");
    await deployment.until(id, ({ status }) => status === "running");
    expect((await nst("cancel", id)).code).toBe(0);
    const { code, out } = await watching;
    expect(code).toBe(5);
    expect(JSON.parse(out.trim().split("\n").at(-1) ?? "")).toMatchObject({ id, status: "canceled" });

    const { out: painted } = await nst("paint", anna, reed, ...QUICK, "--json", "-o", "x.png");
    const fetched = await nst("fetch", idOf(painted), "--format", "jpeg", "-o", "fetched.jpg");
    expect(fetched.code).toBe(0);
    expect((await sharp(await readFile(join(folder, "fetched.jpg"))).metadata()).format).toBe("jpeg");
    expect((await nst("fetch", idOf(painted))).out).toContain("PNG");
    expect((await readdir(folder)).filter((name) => name.startsWith(idOf(painted)))).toEqual([]);
  });

  it("cancels the other jobs if one cannot be canceled", async () => {
    const [one, two] = [idOf(await detached()), idOf(await detached())];
    const { code, out, err } = await nst("cancel", one, "no-such-job", two);
    expect([code, out]).toEqual([3, `${one}  canceled\n${two}  canceled\n`]);
    expect(err).toMatch(/^nst: no-such-job: .*No such job/);
  });
});

describe("nst continue", () => {
  it("starts from a job's result and writes a larger one", async () => {
    const before = idOf((await nst("paint", anna, reed, ...QUICK, "--json", "-o", "first.webp")).out);
    const { code, out } = await nst("continue", before, "--size", "96", "--steps", "4", "--json");
    expect(code).toBe(0);
    const { job, file } = JSON.parse(out) as { job: Job; file: string };
    expect(job).toMatchObject({ continued_from: before, options: { size: 96, steps: 4 } });
    expect(file).toBe("anna-in-reed-continued.webp");
    const { width, height, format } = await sharp(await readFile(join(folder, file))).metadata();
    expect([Math.max(width, height), format]).toEqual([96, "webp"]);
    expect((await nst("continue", before, "--preset", "fine")).code).toBe(2);
    const running = idOf(await detached());
    expect((await nst("continue", running)).code).toBe(3);
    await nst("cancel", running);
  });
});

describe("nst doctor", () => {
  it("checks a service named with --server and measures a step", async () => {
    const { code, out } = await nst("doctor", "--server", server, "--json");
    const report = JSON.parse(out) as { ok: boolean; checks: { name: string; detail: string }[] };
    expect([code, report.ok]).toEqual([0, true]);
    expect(report.checks.find(({ name }) => name === "step time")?.detail).toMatch(
      /^\d+ ms at 256 × 256 px$/,
    );
  });

  it("lists the native kernels that are built", async () => {
    const { out } = await nst("doctor", "--json");
    const { checks } = JSON.parse(out) as { checks: { name: string; status: string; detail: string }[] };
    const kernels = checks.find(({ name }) => name === "native kernels");
    expect([kernels?.status, kernels?.detail]).toEqual(["ok", expect.stringMatching(/^[a-z]\w+(, \w+)*$/)]);
  });
});
