import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../../src/contract/presets.ts";
import { ROOT } from "../../../src/root.ts";
import { EngineProcess, type EngineState } from "../../../workers/engine-process/engine-process.ts";
import { isAlive } from "../../support/process-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

// The seeds of test/workers/fake-engine.ts, which would run if it were imported.
const [ABORT, OUT_OF_MEMORY, HANG, PAINT] = [1, 2, 3, 4];
const folder = temporaryFolder();
const engines: EngineProcess[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function start(...fakeArguments: string[]) {
  const states: EngineState["type"][] = [];
  const warnings: string[] = [];
  let crashes = 0;
  const engine = new EngineProcess({
    script: join(ROOT, "dist", "test", "workers", "fake-engine.js"),
    arguments: fakeArguments,
    environment: process.env,
    retryMs: 200,
    onState: ({ type }) => states.push(type),
    onCrash: () => {
      crashes += 1;
    },
    onWarning: (message) => warnings.push(message),
  });
  engines.push(engine);
  engine.start();
  return { engine, states, warnings, crashes: () => crashes };
}

async function paint(
  engine: EngineProcess,
  seed: number,
  onEvent: (event: unknown) => void = () => undefined,
) {
  expect((await engine.whenReady()).type).toBe("ready");
  const content = { width: 1, height: 1, data: new Uint8Array([1, 2, 3]) };
  const options = resolveOptions({ seed }, 0);
  const pictures = { content, styles: [content] };
  return engine.paint({ pictures, options, options_version: 0, checkpoint: null }, onEvent);
}

/** Starts a painting that does not end by itself; `started` resolves with its first event. */
function hang(engine: EngineProcess) {
  let onEvent = () => {};
  const started = new Promise<void>((resolve) => {
    onEvent = resolve;
  });
  return { painting: paint(engine, HANG, () => onEvent()), started };
}

describe("EngineProcess", () => {
  it("reports how an engine aborted, and paints the next picture on a new one", async () => {
    const { engine, warnings, crashes } = start();
    expect(await paint(engine, ABORT)).toEqual({
      ...{ type: "crashed", code: "engine_crashed" },
      message: "The engine process died (signal SIGABRT)",
    });
    expect(warnings.join()).toContain("engine exited (signal SIGABRT); restarting in 0 s");
    expect(crashes()).toBe(1);
    expect(await paint(engine, PAINT)).toMatchObject({ type: "painted", picture: { width: 1 } });
  });

  it("restarts an engine that was killed from outside", async () => {
    const { engine } = start();
    const { painting, started } = hang(engine);
    await started;
    process.kill(engine.pid ?? 0, "SIGKILL");
    expect(await painting).toMatchObject({
      code: "engine_crashed",
      message: expect.stringContaining("SIGKILL"),
    });
    expect(await paint(engine, PAINT)).toMatchObject({ type: "painted" });
  });

  it("paints one picture at a time, and the next one after a cancellation", async () => {
    const { engine } = start();
    const painting = paint(engine, HANG);
    await engine.whenReady();
    await expect(paint(engine, PAINT)).rejects.toThrow("already painting");
    engine.cancel();
    expect(await painting).toEqual({ type: "canceled" });
    expect(await paint(engine, PAINT)).toMatchObject({ type: "painted" });
  });

  it("distinguishes running out of memory from other crashes", async () => {
    const { engine } = start();
    expect(await paint(engine, OUT_OF_MEMORY)).toMatchObject({ type: "crashed", code: "out_of_memory" });
  });

  it("kills an engine that no longer answers", async () => {
    const { engine } = start();
    const { painting, started } = hang(engine);
    await started;
    engine.kill();
    expect(await painting).toMatchObject({ type: "crashed" });
  });

  it("reports what an engine is missing, and becomes ready once it is there", async () => {
    const file = join(folder(), "weights");
    const { engine, states, crashes } = start("needs-file", file);
    expect(await engine.whenReady()).toMatchObject({ type: "not_ready", code: "weights_missing" });
    await writeFile(file, "");
    await until(() => engine.state.type === "ready");
    expect(states[0]).toBe("not_ready");
    expect(crashes()).toBe(0);
  });

  it("backs off if the engine cannot start, and reports that it is unavailable", async () => {
    const { engine, warnings } = start("exits-at-start");
    await until(() => engine.state.type === "not_ready");
    expect(engine.state).toMatchObject({
      code: "engine_unavailable",
      message: expect.stringContaining("exit code 3"),
    });
    expect(warnings.map((warning) => / in (\d+) s/.exec(warning)?.[1])).toEqual(["0", "1", "2", "4"]);
  }, 20_000);

  const progress = (step: number) => ({
    ...{ type: "progress", options_version: 0 },
    progress: {
      ...{ step, total_steps: 20_000, fraction: 0.5, loss: null, step_ms: 1, eta_seconds: 0 },
      scale: { index: 0, count: 1, width: 1, height: 1 },
    },
  });
  const painted = (picture: unknown) => ({ ...progress(1), type: "painted", picture, pixels: null });
  it.each<[string, unknown[]]>([
    ["names a file of its own for a checkpoint", [{ type: "checkpoint", step: 1, path: "/etc/passwd" }]],
    [
      "reports the failure of a checkpoint that was not requested",
      [{ type: "checkpoint_failed", message: "" }],
    ],
    ["gives up a checkpoint that it never got", [{ type: "restarted", message: "" }]],
    ["reports a step twice", [progress(1), progress(1)]],
    ["reports a step beyond the job's last", [progress(19_999)]],
    ["reports progress of another form", [{ ...progress(1), progress: { step: "<b>" } }]],
    ["paints a picture of fewer bytes than pixels", [painted({ width: 9, height: 9, data: "" })]],
    ["reports a failure of no known kind", [{ type: "failed", code: "owned", message: "" }]],
    ["reports twice that it is ready", [{ type: "not_ready", code: "weights_missing", message: "" }]],
    ["sends an event of no known kind", [{ type: "exec", path: "/bin/sh" }]],
    ["sends no event", ["hello"]],
  ])("kills an engine that %s, and passes nothing of it on", async (_name, messages) => {
    const { engine, warnings } = start("sends", JSON.stringify(messages));
    const events: unknown[] = [];
    const end = await paint(engine, PAINT, (event) => events.push(event));
    expect(end).toMatchObject({ type: "crashed", code: "engine_crashed" });
    expect(end).toHaveProperty("message", expect.stringMatching(/^The engine was killed: it /));
    expect(events).toHaveLength(messages.length - 1);
    expect(warnings.join()).toContain("engine exited (killed because it ");
  });

  it("leaves no process behind when it is stopped during a painting", async () => {
    const { engine } = start();
    void paint(engine, HANG);
    await engine.whenReady();
    const pid = engine.pid ?? 0;
    expect(await isAlive(pid)).toBe(true);
    await engine.stop();
    expect(await isAlive(pid)).toBe(false);
  });
});
