import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { supervise } from "../../local/supervisor.ts";
import { startWatchdog, type Watchdog } from "../../local/watchdog.ts";
import { ROOT } from "../../src/root.ts";
import { until } from "../support/until.ts";

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("The supervisor", () => {
  let folder: string;
  let watchdog: Watchdog;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nst-"));
    watchdog = startWatchdog();
  });

  afterEach(async () => {
    await watchdog.release();
    await rm(folder, { recursive: true });
  });

  /** A program that runs `setUp`, appends its process id to a file, and then runs `body`. */
  async function program(body: string, setUp = "") {
    const script = join(folder, "program.mjs");
    const starts = join(folder, "starts");
    await writeFile(
      script,
      `import { appendFileSync } from "node:fs";
      ${setUp}
      appendFileSync(${JSON.stringify(starts)}, process.pid + "\\n");
      ${body}`,
    );
    const pids = async () =>
      existsSync(starts) ? (await readFile(starts, "utf8")).trim().split("\n").map(Number) : [];
    return { script, pids };
  }

  it("restarts a program that is killed", async () => {
    const { script, pids } = await program("setInterval(() => {}, 1000);");
    const lines: string[] = [];
    const supervised = supervise("program", script, process.env, watchdog, (line) => lines.push(line));
    await until(async () => (await pids()).length === 1);
    process.kill((await pids())[0] ?? 0, "SIGKILL");
    await until(async () => (await pids()).length === 2);
    expect(lines).toEqual(["the program was killed by SIGKILL; restarting in 0.5 s"]);
    await supervised.stop(5_000);
    expect((await pids()).map(isAlive)).toEqual([false, false]);
  });

  it("reports a program that exits right after its first start, and does not restart it", async () => {
    const { script, pids } = await program("process.exit(3);");
    const lines: string[] = [];
    const supervised = supervise("program", script, process.env, watchdog, (line) => lines.push(line));
    expect(await supervised.failedAtStartup).toBe("the program exited with code 3");
    expect(lines.join()).not.toContain("restarting");
    expect(await pids()).toHaveLength(1);
  });

  it("starts a program again that the system could not start for want of file descriptors", async () => {
    const { script, pids } = await program("setInterval(() => {}, 1000);");
    // A supervisor in a process of its own, which may open few files.
    const supervisor = `
      import { openSync, closeSync } from "node:fs";
      import { supervise } from ${JSON.stringify(join(ROOT, "dist/local/supervisor.js"))};
      const opened = [];
      const openAll = () => { try { for (;;) opened.push(openSync("/dev/null")); } catch { } };
      const watchdog = { add: () => undefined, remove: () => undefined };
      const supervised = supervise("program", ${JSON.stringify(script)}, process.env, watchdog, (line) => {
        console.log(line);
        if (line.includes("could not be started")) opened.splice(0).forEach(closeSync);
      });
      openAll();
      process.on("SIGTERM", () => supervised.stop(5_000).then(() => process.exit(0)));
      setInterval(() => {}, 1000);`;
    const shell = ["-c", 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, supervisor];
    const parent = spawn("/bin/sh", shell, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    parent.stdout.on("data", (text) => {
      output += text;
    });
    try {
      await until(async () => (await pids()).length === 1);
      process.kill((await pids())[0] ?? 0, "SIGKILL");
      await until(async () => (await pids()).length === 2);
      expect(output).toMatch(/^the program could not be started \(spawn .* EMFILE\); restarting in 1 s$/m);
    } finally {
      parent.kill("SIGTERM");
      await once(parent, "exit");
    }
    expect((await pids()).map(isAlive)).toEqual([false, false]);
  });

  it("kills a program that does not stop in time", async () => {
    const { script, pids } = await program(
      "setInterval(() => {}, 1000);",
      "process.on('SIGTERM', () => {});",
    );
    const supervised = supervise("program", script, process.env, watchdog, () => undefined);
    await until(async () => (await pids()).length === 1);
    await supervised.stop(300);
    expect((await pids()).map(isAlive)).toEqual([false]);
  });
});

describe("The watchdog", () => {
  let started: ChildProcess[] = [];

  afterEach(() => {
    for (const child of started) child.kill("SIGKILL");
    started = [];
  });

  /** A parent in a process of its own, which starts `count` children under a watchdog and prints their ids. */
  async function parentOf(
    count: number,
    childBody: string,
    after = "",
  ): Promise<{ parent: ChildProcess; pids: number[] }> {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `import { spawn } from "node:child_process";
        import { startWatchdog } from ${JSON.stringify(join(ROOT, "dist/local/watchdog.js"))};
        const watchdog = startWatchdog();
        const pids = [];
        for (let i = 0; i < ${count}; i++) {
          const child = spawn(process.execPath, ["-e", ${JSON.stringify(childBody)}], { detached: true, stdio: "ignore" });
          watchdog.add(child.pid);
          pids.push(child.pid);
        }
        ${after}
        setTimeout(() => console.log(JSON.stringify(pids)), 300);
        setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    started.push(parent);
    const [text] = await once(parent.stdout, "data");
    return { parent, pids: JSON.parse(String(text)) };
  }

  it("stops the children of a killed parent, the first one last", async () => {
    const { parent, pids } = await parentOf(3, "setInterval(() => {}, 1000)");
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    parent.kill("SIGKILL");
    await until(() => !pids.slice(1).some(isAlive));
    await until(() => !pids.some(isAlive));
  });

  it("kills a child that does not stop, but never the first", async () => {
    const { parent, pids } = await parentOf(
      2,
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)",
    );
    const [first = 0, second = 0] = pids;
    parent.kill("SIGKILL");
    await until(() => !isAlive(second));
    expect(isAlive(first)).toBe(true);
    process.kill(first, "SIGKILL");
  });

  it("leaves a process alone that was removed from the list", async () => {
    const { parent, pids } = await parentOf(2, "setInterval(() => {}, 1000)", "watchdog.remove(pids[1]);");
    const [first = 0, second = 0] = pids;
    parent.kill("SIGKILL");
    await until(() => !isAlive(first));
    expect(isAlive(second)).toBe(true);
    process.kill(second, "SIGKILL");
  });
});
