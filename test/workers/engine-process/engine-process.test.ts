import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../../src/contract/presets.ts";
import { ROOT } from "../../../src/root.ts";
import { EngineProcess, type EngineState } from "../../../workers/engine-process/engine-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

// As in the stand-in itself, which would run if it were imported.
const [ABORT, OUT_OF_MEMORY, HANG, WELL] = [1, 2, 3, 4];
const folder = temporaryFolder();
const engines: EngineProcess[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function start(...standIn: string[]): {
  engine: EngineProcess;
  states: EngineState["type"][];
  notes: string[];
  crashes: () => number;
} {
  const states: EngineState["type"][] = [];
  const notes: string[] = [];
  let crashes = 0;
  const engine = new EngineProcess({
    script: join(ROOT, "dist", "test", "workers", "stand-in-engine.js"),
    arguments: standIn,
    environment: process.env,
    retryMs: 200,
    onState: ({ type }) => states.push(type),
    onCrash: () => {
      crashes += 1;
    },
    onNote: (note) => notes.push(note),
  });
  engines.push(engine);
  engine.start();
  return { engine, states, notes, crashes: () => crashes };
}

async function paint(engine: EngineProcess, seed: number) {
  expect((await engine.settled()).type).toBe("ready");
  const content = { width: 1, height: 1, data: new Uint8Array([1, 2, 3]) };
  const options = resolveOptions({ seed }, 0);
  const pictures = { content, styles: [content] };
  return engine.paint({ pictures, options, steered: 0, checkpoint: null }, () => undefined);
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("An engine process", () => {
  it("that aborts is reported with how, and the next painting finds a new one", async () => {
    const { engine, notes, crashes } = start();
    expect(await paint(engine, ABORT)).toEqual({
      ...{ type: "crashed", code: "engine_crashed" },
      message: "The engine process died (signal SIGABRT)",
    });
    expect(notes.join()).toContain("SIGABRT");
    expect(crashes()).toBe(1);
    expect(await paint(engine, WELL)).toMatchObject({ type: "painted", picture: { width: 1 } });
  });

  it("that is killed from outside is reported and started again", async () => {
    const { engine } = start();
    const painting = paint(engine, HANG);
    await engine.settled();
    await sleep(100);
    process.kill(engine.pid ?? 0, "SIGKILL");
    expect(await painting).toMatchObject({
      code: "engine_crashed",
      message: expect.stringContaining("SIGKILL"),
    });
    expect(await paint(engine, WELL)).toMatchObject({ type: "painted" });
  });

  it("paints one picture at a time, and the next one after a cancellation", async () => {
    const { engine } = start();
    const painting = paint(engine, HANG);
    await engine.settled();
    await expect(paint(engine, WELL)).rejects.toThrow("painting already");
    engine.cancel();
    expect(await painting).toEqual({ type: "canceled" });
    expect(await paint(engine, WELL)).toMatchObject({ type: "painted" });
  });

  it("whose memory ran out is told from one that crashed", async () => {
    const { engine } = start();
    expect(await paint(engine, OUT_OF_MEMORY)).toMatchObject({ type: "crashed", code: "out_of_memory" });
  });

  it("that does not answer any more can be killed", async () => {
    const { engine } = start();
    await engine.settled(); // killed before, it would be started again and hang only then
    const painting = paint(engine, HANG);
    await sleep(300);
    engine.kill();
    expect(await painting).toMatchObject({ type: "crashed" });
  });

  it("that lacks something says what, and is ready when it is there", async () => {
    const file = join(folder(), "weights");
    const { engine, states, crashes } = start("lacks-a-file", file);
    expect(await engine.settled()).toMatchObject({ type: "unready", code: "weights_missing" });
    await writeFile(file, "");
    while (engine.state.type !== "ready") await sleep(20);
    expect(states[0]).toBe("unready");
    expect(crashes()).toBe(0);
  });

  it("that cannot start is tried ever less often, and says that there is no engine", async () => {
    const { engine, notes } = start("dies-at-start");
    while (engine.state.type !== "unready") await sleep(20);
    expect(engine.state).toMatchObject({
      code: "engine_unavailable",
      message: expect.stringContaining("exit code 3"),
    });
    expect(notes).toHaveLength(4);
  }, 20_000);

  it("is gone when it is stopped, also in the middle of a painting", async () => {
    const { engine } = start();
    void paint(engine, HANG);
    await engine.settled();
    const pid = engine.pid ?? 0;
    expect(alive(pid)).toBe(true);
    await engine.stop();
    expect(alive(pid)).toBe(false);
  });
});
