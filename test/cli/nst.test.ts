import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
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

/** The command in a terminal of its own. */
function inTerminal(...args: string[]) {
  const relay = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
  const child = spawn("python3", ["-c", relay, process.execPath, script, ...args], {
    cwd: folder,
    env: { ...environment(), TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  child.stdout.on("data", (bytes) => {
    shown += bytes;
  });
  return {
    write: (keys: string) => child.stdin.write(keys),
    screen: () => shown,
    shows: (pattern: RegExp) => until(() => pattern.test(shown)),
    exited: async () => (await once(child, "close"))[0] as number,
  };
}
const QUICK = ["--preset", "draft", "--size", "32", "--steps", "8"];
const ENDLESS = ["--size", "32", "--steps", "20000"];
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
    expect([format, width]).toEqual(["webp", 32]);
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
    expect((await sharp(await readFile(join(folder, "own.png"))).metadata()).width).toBe(32);
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

  it("keeps its question on the screen at Ctrl-C, and leaves the job running at a second one", async () => {
    const terminal = inTerminal("paint", anna, reed, ...ENDLESS);
    await terminal.shows(/step \d/);
    terminal.write("\x03");
    await terminal.shows(/keep waiting \(Enter\)\? /);
    const id = (await deployment.queue.list({ limit: 1 })).at(0)?.id ?? "";
    const { step = 0 } = (await deployment.queue.find(id))?.progress ?? {};
    await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > step + 2);
    expect(terminal.screen()).not.toMatch(/keep waiting \(Enter\)\?[\s\S]*step \d/);
    terminal.write("\x03");
    expect(await terminal.exited()).toBe(130);
    expect(terminal.screen()).toContain(`nst watch ${id}`);
    expect(terminal.screen()).not.toMatch(/^\s+at /m);
    expect((await deployment.queue.find(id))?.status).toBe("running");
    await nst("cancel", id);
  });

  it("prints the id alone to stdout with --detach", async () => {
    const { code, out, err } = await nst("paint", anna, reed, ...ENDLESS, "--detach");
    expect([code, out]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
    expect(err).not.toContain(out.trim());
    await nst("cancel", out.trim());
  });

  it("reads a picture from stdin and writes the result to stdout", async () => {
    const child = spawn(process.execPath, [script, "paint", "-", reed, ...QUICK, "-o", "-"], {
      cwd: folder,
      env: environment(),
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin.end(await readFile(join(folder, anna)));
    expect((await sharp(await buffer(child.stdout)).metadata()).format).toBe("png");
    expect((await nst("paint", "-", "-", ...QUICK)).err).toContain("at most one picture from stdin");
    expect((await nst("paint", "contents", reed, ...QUICK, "-o", "-")).code).toBe(2);
  });

  it("sends URLs to the service, beside files, masks and an initial picture", async () => {
    const url = "http://127.0.0.1:1/cat.jpg";
    const { code, err } = await nst("paint", url, reed, ...QUICK);
    expect([code, err]).toEqual([3, expect.stringContaining("A URL is not allowed")]);
    const files = ["--style-mask", reed, "--keep-mask", reed, "--init-picture", anna];
    const painted = await nst("paint", anna, reed, ...files, ...QUICK, "--json", "-o", "masked.png");
    const record = await deployment.queue.find(idOf(painted.out));
    expect(record?.style_masks).toHaveLength(1);
    expect([record?.keep_mask, record?.init_picture]).not.toContain(null);
  });

  it("refuses an ending that stands for no format, or for another one than asked for, before it submits", async () => {
    const before = await deployment.queue.statistics.countByStatus();
    const one = ["paint", anna, reed, ...QUICK];
    expect(await nst(...one, "-o", "painted.gif")).toMatchObject({
      code: 2,
      err: expect.stringContaining("painted.gif: expected the ending .png, .jpg, .jpeg, .webp, .avif"),
    });
    expect((await nst(...one, "-o", "painted.png", "--output", '{"format": "webp"}')).code).toBe(2);
    expect((await nst("fetch", "any", "-o", "painted.tiff")).code).toBe(2);
    expect(await deployment.queue.statistics.countByStatus()).toEqual(before);
  });

  it("leaves out hidden files and what is no picture, and says which endings", async () => {
    await mkdir(join(folder, "camera/more"), { recursive: true });
    await writeFile(join(folder, "camera/anna.jpg"), await jpeg({ seed: 1 }));
    for (const name of ["._anna.jpg", ".hidden.png", "clip.mov", "notes.txt", "other.txt"])
      await writeFile(join(folder, "camera", name), "no picture");
    const { code, err } = await nst("paint", "camera", reed, ...QUICK, "-o", "camera-out");
    expect(code).toBe(0);
    expect(err).toMatch(/^camera: left out what is no picture: \.mov, \.txt$/m);
    expect(await readdir(join(folder, "camera-out"))).toEqual(["anna-in-reed.png"]);
  });

  it("names a file that it cannot read, and does not say that the service cannot be reached", async () => {
    // Its target does not exist; root could read a file without permissions.
    await symlink(join(folder, "nowhere"), join(folder, "broken-link.jpg"));
    await mkdir(join(folder, "links"));
    await symlink(join(folder, "nowhere"), join(folder, "links/a.jpg"));
    for (const argument of ["broken-link.jpg", "links"]) {
      const { code, err } = await nst("paint", argument, reed, ...QUICK);
      expect([code, err]).toEqual([2, expect.stringMatching(/(broken-link|links\/a)\.jpg: /)]);
      expect(err).not.toContain("Cannot reach");
    }
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

describe("nst update, retry, timelapse, links, delete", () => {
  it("change, repeat, show, share and delete jobs", async () => {
    const running = (await nst("paint", anna, reed, ...ENDLESS, "--detach")).out.trim();
    expect((await nst("update", running, "--style-weight", "7")).code).toBe(0);
    expect((await deployment.queue.find(running))?.options.style_weight).toBe(7);
    expect((await nst("update", running)).code).toBe(2);
    expect((await nst("update", running, "--steps", "3")).code).toBe(2);
    await nst("cancel", running);
    expect(await nst("retry", running)).toMatchObject({ code: 0, out: `${running}  queued\n` });
    await nst("cancel", running);
    expect(await nst("delete", running)).toMatchObject({ code: 0, out: `${running}  deleted\n` });
    expect((await nst("watch", running)).code).toBe(3);

    const frames = ["--timelapse-interval", "2", "--json", "-o", "with-timelapse.png"];
    const id = idOf((await nst("paint", anna, reed, ...QUICK, ...frames)).out);
    expect((await nst("timelapse", id, "-o", "timelapse.webp")).code).toBe(0);
    expect((await sharp(await readFile(join(folder, "timelapse.webp"))).metadata()).pages).toBeGreaterThan(1);
    const { out } = await nst("links", id, "--expires-in", "60");
    const [, url = ""] = /^result +(\S+)$/m.exec(out) ?? [];
    expect((await fetch(url)).status).toBe(200);
  });
});

describe("nst batch", () => {
  it("paints every content in every style and writes a zip", async () => {
    const { code, out } = await nst("batch", "contents", "-s", reed, ...QUICK, "--json", "-o", "all.zip");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: "finished", counts: { succeeded: 2 } });
    expect((await readFile(join(folder, "all.zip"))).subarray(0, 2).toString()).toBe("PK");
    const detached = await nst("batch", anna, "-s", reed, ...QUICK, "--detach");
    expect(detached.out).toMatch(/^[0-9a-f-]{36}\n$/);
  });
});

describe("The help", () => {
  it("names choices and ranges, the version and the commands of keys", async () => {
    const { out } = await nst("paint", "--help");
    const text = out.replace(/\s+/g, " ");
    expect(text).toContain("(draft, balanced, fine, classic)");
    expect(text).toContain("(1 to 20000)");
    expect(text).toMatch(/--output .*"format": png, jpeg, webp, avif/);
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await nst("--version")).toMatchObject({ code: 0, out: `${version}\n` });
    expect(await nst("keys", "--help")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^keys create --owner NAME/),
    });
  });
});

describe("nst continue", () => {
  it("starts from a job's result and writes a larger one", async () => {
    const before = idOf((await nst("paint", anna, reed, ...QUICK, "--json", "-o", "first.webp")).out);
    const { code, out } = await nst("continue", before, "--size", "48", "--steps", "4", "--json");
    expect(code).toBe(0);
    const { job, file } = JSON.parse(out) as { job: Job; file: string };
    expect(job).toMatchObject({ continued_from: before, options: { size: 48, steps: 4 } });
    expect(file).toBe("anna-in-reed-continued.webp");
    const { width, height, format } = await sharp(await readFile(join(folder, file))).metadata();
    expect([Math.max(width, height), format]).toEqual([48, "webp"]);
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

  it("names the weights that it found, and their hash", async () => {
    const weights = join(folder, "weights.h5");
    await writeFile(weights, "some weights");
    const child = execFile(process.execPath, [script, "doctor", "--json"], {
      env: { ...environment(), NST_VGG19_WEIGHTS: weights },
    });
    const { checks } = JSON.parse(await text(child.stdout as Readable)) as {
      checks: { name: string; detail: string }[];
    };
    const hash = createHash("sha256").update("some weights").digest("hex");
    expect(checks.find(({ name }) => name === "weights")?.detail).toBe(`${weights}, sha256 ${hash}`);
  });

  it("lists the native kernels that are built", async () => {
    const { out } = await nst("doctor", "--json");
    const { checks } = JSON.parse(out) as { checks: { name: string; status: string; detail: string }[] };
    const kernels = checks.find(({ name }) => name === "native kernels");
    expect([kernels?.status, kernels?.detail]).toEqual(["ok", expect.stringMatching(/^[a-z]\w+(, \w+)*$/)]);
  });
});
