import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../../src/root.ts";
import { createSandbox, type Sandbox } from "../../../workers/engine-process/sandbox.ts";

let folder: string;
let scratch: string;
let sandbox: Sandbox | null;
/** The sandbox of a machine with NVIDIA's driver. */
let besideNvidia: Sandbox | null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-sandbox-"));
  scratch = join(folder, "scratch");
  await mkdir(scratch);
  const settings = { scratch, dataDirectory: join(folder, "data"), weights: null, environment: {} };
  await mkdir(settings.dataDirectory);
  await writeFile(join(folder, "secret"), "the user's");
  sandbox = await createSandbox(settings);
  besideNvidia = await createSandbox({ ...settings, hasNvidiaDriver: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The output of Node in the sandbox. */
async function run(code: string, within = sandbox): Promise<string> {
  if (!within) throw new Error("There is no sandbox: run npm run setup");
  const command = [...within.arguments, process.execPath, "-e", code];
  const { stdout } = await promisify(execFile)(within.program, command);
  return stdout.trim();
}
const attempt = (code: string) =>
  `try { ${code}; console.log("done") } catch (error) { console.log(error.code) }`;

if (process.platform !== "linux") {
  it("The sandbox is null on other systems than Linux", () => expect(sandbox).toBeNull());
} else {
  describe("A program in the sandbox", () => {
    it("lists what the kernel restricts", () => {
      expect(sandbox?.restrictions).toEqual(expect.arrayContaining(["sockets", "other processes"]));
      expect(besideNvidia?.restrictions).toContain("sockets except local ones");
      const all = [...(sandbox?.restrictions ?? []), ...(sandbox?.unavailable ?? [])];
      expect(all.sort()).toEqual(
        ["file permissions", "file reads", "file writes", "other processes", "sockets"].sort(),
      );
    });

    it("cannot open TCP, Unix or UDP sockets, nor resolve names", async () => {
      const server = createServer((socket) => socket.end("reached")).listen(0, "127.0.0.1");
      const local = createServer((socket) => socket.end("reached")).listen(join(folder, "socket"));
      await Promise.all([once(server, "listening"), once(local, "listening")]);
      try {
        const { port } = server.address() as AddressInfo;
        const targets = [
          `{ port: ${port}, host: "127.0.0.1" }`,
          `{ path: ${JSON.stringify(join(folder, "socket"))} }`,
        ];
        for (const target of targets) {
          const code = `require("net").connect(${target}).on("error", (e) => console.log(e.code)).on("data", (d) => console.log(String(d)))`;
          expect(await run(code)).toBe("EACCES");
        }
        const udp = `require("dgram").createSocket("udp4").on("error", (e) => { console.log(e.code); process.exit() }).send("x", 53, "127.0.0.1")`;
        expect(await run(udp)).toBe("EACCES");
        const name = `require("dns").lookup("example.com", (e) => console.log(e ? "no address" : "found"))`;
        expect(await run(name)).toBe("no address");
      } finally {
        server.close();
        local.close();
      }
    });

    it("can write to its scratch folder only", async () => {
      if (!sandbox?.restrictions.includes("file writes")) return;
      const write = (path: string) => attempt(`require("fs").writeFileSync(${JSON.stringify(path)}, "x")`);
      expect(await run(write(join(scratch, "new")))).toBe("done");
      expect(await readFile(join(scratch, "new"), "utf8")).toBe("x");
      await writeFile(join(folder, "other"), "as it was");
      expect(await run(write(join(folder, "other")))).toBe("EACCES");
      expect(await run(write(join(folder, "new")))).toBe("EACCES");
      expect(await run(attempt(`require("fs").rmSync(${JSON.stringify(join(folder, "other"))})`))).toBe(
        "EACCES",
      );
      expect(await readFile(join(folder, "other"), "utf8")).toBe("as it was");
    });

    it("cannot read another process's environment, nor signal it", async () => {
      if (!sandbox?.restrictions.includes("file writes")) return;
      const { pid } = process;
      expect(await run(attempt(`require("fs").readFileSync("/proc/${pid}/environ")`))).toBe("EACCES");
      expect(await run(attempt(`process.kill(${pid}, 0)`))).toBe("EPERM");
      expect(await run(attempt("process.kill(process.pid, 0)"))).toBe("done");
      const spawned = (command: string) =>
        run(
          `console.log(require("child_process").spawnSync("/bin/sh", ["-c", ${JSON.stringify(command)}]).status)`,
        );
      expect(await spawned(`prlimit --pid ${pid} --nofile`)).not.toBe("0");
      expect(await spawned("prlimit --nofile")).toBe("0");
    });

    it("reads its own code and the system's, and nothing else of its user", async () => {
      if (!sandbox?.restrictions.includes("file reads")) return;
      const read = (path: string) => attempt(`require("fs").readFileSync(${JSON.stringify(path)})`);
      await writeFile(join(folder, "data", "secret"), "the service's");
      expect(await run(read(join(folder, "secret")))).toBe("EACCES");
      expect(await run(read(join(folder, "data", "secret")))).toBe("EACCES");
      expect(await run(read(join(ROOT, "package.json")))).toBe("done");
      // NVIDIA's libraries read what nobody has listed, but never the service's data.
      expect(await run(read(join(folder, "secret")), besideNvidia)).toBe("done");
      expect(await run(read(join(folder, "data", "secret")), besideNvidia)).toBe("EACCES");
    });

    it("cannot change the permissions of its user's files", async () => {
      const path = join(folder, "mine");
      await writeFile(path, "", { mode: 0o600 });
      expect(await run(attempt(`require("fs").chmodSync(${JSON.stringify(path)}, 0o666)`))).toBe("EPERM");
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    });

    it("does not start if a restriction cannot be applied", async () => {
      // Landlock takes no more than sixteen rulesets above each other.
      const nested = Array.from({ length: 17 }, () => [
        sandbox?.program ?? "",
        "--writes",
        "--write=/",
        "--",
      ]).flat();
      const [program = "", ...rest] = nested;
      const started = promisify(execFile)(program, [...rest, "/bin/echo", "started"]);
      await expect(started).rejects.toMatchObject({
        ...{ code: 1, stdout: "" },
        stderr: expect.stringContaining("nst-sandbox: cannot restrict files: "),
      });
    });
  });
}
