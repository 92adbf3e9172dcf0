import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createSandbox, type Sandbox } from "../../../workers/engine-process/sandbox.ts";

let folder: string;
let scratch: string;
let sandbox: Sandbox | null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-sandbox-"));
  scratch = join(folder, "scratch");
  await mkdir(scratch);
  sandbox = await createSandbox(scratch, {});
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const [major = 0, minor = 0] = release().split(".").map(Number);
/** Landlock version 6, of Linux 6.12. */
const blocksSignals = major > 6 || (major === 6 && minor >= 12);

/** The output of Node in the sandbox. */
async function run(code: string): Promise<string> {
  if (!sandbox) throw new Error("There is no sandbox: run npm run setup");
  const command = [...sandbox.arguments, process.execPath, "-e", code];
  const { stdout } = await promisify(execFile)(sandbox.program, command);
  return stdout.trim();
}
const attempt = (code: string) =>
  `try { ${code}; console.log("done") } catch (error) { console.log(error.code) }`;

if (process.platform !== "linux") {
  it("The sandbox is null on other systems than Linux", () => expect(sandbox).toBeNull());
} else {
  describe("A program in the sandbox", () => {
    it("lists what the kernel restricts", () => {
      expect(sandbox?.restrictions).toContain("sockets");
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
      if (!sandbox?.restrictions.includes("files")) return;
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
      if (!sandbox?.restrictions.includes("files")) return;
      const { pid } = process;
      expect(await run(attempt(`require("fs").readFileSync("/proc/${pid}/environ")`))).toBe("EACCES");
      expect(await run(attempt(`process.kill(${pid}, 0)`))).toBe(blocksSignals ? "EPERM" : "done");
    });
  });
}
