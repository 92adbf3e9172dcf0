import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { optionsSchema, type RequestOptions } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { ROOT } from "../../src/root.ts";
import type { EngineEvent, EngineRequest } from "../../workers/engine/protocol.ts";
import { engineEnvironment } from "../../workers/engine-process/engine-environment.ts";
import { discRaster, stripesRaster } from "../support/rasters.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
const children: ChildProcess[] = [];

/** An engine process as a worker forks it, and what it said so far. */
class EngineUnderTest {
  readonly child: ChildProcess;
  readonly events: EngineEvent[] = [];

  constructor(root: string, weights?: string) {
    const script = join(ROOT, "dist/workers/engine/main.js");
    this.child = fork(script, weights === undefined ? [root] : [root, weights], {
      serialization: "advanced",
      env: engineEnvironment({ ...process.env, HOME: folder() }),
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.child.on("message", (event: EngineEvent) => this.events.push(event));
    children.push(this.child);
  }

  send(request: EngineRequest): void {
    this.child.send(request);
  }

  /** The first event of a type; waits for it. */
  async next<Type extends EngineEvent["type"]>(type: Type): Promise<Extract<EngineEvent, { type: Type }>> {
    for (;;) {
      const found = this.events.find((event) => event.type === type);
      if (found !== undefined) {
        return found as Extract<EngineEvent, { type: Type }>;
      }
      await once(this.child, "message");
    }
  }

  /** The types of the events so far, in their order. */
  types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

function paintRequest(more: RequestOptions = {}, edge = 64, checkpoint: string | null = null) {
  const small: RequestOptions = { preset: "draft", size: edge, steps: 6, preview_interval: 0 };
  const options = optionsSchema.parse(resolveOptions({ ...small, ...more }, 1));
  const pictures = { content: discRaster(edge, edge), styles: [stripesRaster(edge, 40)] };
  return { type: "paint", pictures, options, options_version: 0, checkpoint } as const;
}

afterAll(async () => {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
});

describe("The engine process", () => {
  let engine: EngineUnderTest;
  beforeAll(async () => {
    engine = new EngineUnderTest(ROOT, "random:1:4");
    await engine.next("ready");
  });
  afterEach(() => {
    engine.events.length = 0;
    expect(engine.child.exitCode).toBeNull();
  });

  it("tells what it computes on once it is ready", async () => {
    const { engine: device } = await engine.next("ready");
    expect(["cpu", "gpu"]).toContain(device.device);
    expect(device.name).not.toBe("");
    expect(device.tensorflow).toMatch(/^2\.\d+\.\d+/);
    expect(["tfjs", "neon", "avx2", "avx512"]).toContain(device.kernels);
    expect(device.memory_mib).toBeGreaterThan(500);
  });

  it("reports every step, then the picture, and paints the next one without loading anew", async () => {
    for (let painting = 0; painting < 2; painting += 1) {
      engine.send(paintRequest({ scales: 2 }));
      const { picture, progress } = await engine.next("painted");
      expect([picture.width, picture.height, picture.data.length]).toEqual([64, 64, 64 * 64 * 3]);
      expect(progress).toMatchObject({ step: 6, total_steps: 6, fraction: 1, eta_seconds: 0 });
      const steps = engine.events.flatMap((event) =>
        event.type === "progress" ? [event.progress.step] : [],
      );
      expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
      expect(engine.types()).toEqual([...Array(6).fill("progress"), "painted"]);
      engine.events.length = 0;
    }
  });

  it("shows a preview at the interval asked for, at its scale's size", async () => {
    engine.send(paintRequest({ preview_interval: 2, scales: 2 }));
    await engine.next("painted");
    const previews = engine.events.flatMap((event) => (event.type === "preview" ? [event] : []));
    expect(previews.map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(previews.map(({ picture }) => picture.data.length)).toEqual(
      [32, 64, 64].map((edge) => edge * edge * 3),
    );
  });

  it("gives a checkpoint when asked, from which another run ends in the same picture", async () => {
    engine.send(paintRequest({ steps: 12 }));
    await engine.next("progress");
    const path = join(folder(), "checkpoint");
    engine.send({ type: "checkpoint", path });
    const { step } = await engine.next("checkpoint");
    const whole = await engine.next("painted");
    expect(step).toBeLessThan(12);
    engine.events.length = 0;
    engine.send(paintRequest({ steps: 12 }, 64, path));
    const resumed = await engine.next("painted");
    expect(engine.types().filter((type) => type === "progress")).toHaveLength(12 - step);
    expect(Buffer.from(resumed.picture.data).equals(Buffer.from(whole.picture.data))).toBe(true);
  });

  it("goes on painting where a checkpoint cannot be written, and says why", async () => {
    engine.send(paintRequest({ steps: 12 }));
    await engine.next("progress");
    engine.send({ type: "checkpoint", path: join(folder(), "no such folder", "checkpoint") });
    expect((await engine.next("checkpoint_failed")).message).toContain("ENOENT");
    await engine.next("painted");
  });

  it("stops within a step when canceled, and paints the next job", async () => {
    engine.send(paintRequest({ steps: 5000, scales: 1 }, 256));
    await engine.next("progress");
    const before = engine.events.length;
    engine.send({ type: "cancel" });
    await engine.next("canceled");
    // The step that was under way, and one that was done but not yet reported.
    expect(engine.events.length - before).toBeLessThanOrEqual(3);
    expect(engine.types().at(-1)).toBe("canceled");
    engine.send({ type: "cancel" }); // comes too late, and is no cancellation of the next one
    engine.send(paintRequest());
    await engine.next("painted");
  });

  it("goes on with other weights when it is options_version, and says which steps were made with them", async () => {
    const request = paintRequest({ steps: 60 });
    engine.send(request);
    await engine.next("progress");
    engine.send({
      type: "update_options",
      options: { ...request.options, style_weight: 1 },
      options_version: 1,
    });
    const updated = await engine.next("painted");
    const changes = engine.events.flatMap((event) =>
      event.type === "progress" ? [event.options_version] : [],
    );
    expect(changes).toEqual(changes.toSorted());
    expect([changes[0], changes.at(-1)]).toEqual([0, 1]);
    engine.events.length = 0;
    engine.send(request);
    const unchanged = await engine.next("painted");
    expect(Buffer.from(updated.picture.data).equals(Buffer.from(unchanged.picture.data))).toBe(false);
  });

  it("rejects a picture that is too small, with a code", async () => {
    const request = paintRequest();
    engine.send({ ...request, pictures: { ...request.pictures, content: discRaster(64, 12) } });
    expect(await engine.next("failed")).toMatchObject({ code: "picture_too_small" });
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["noise", Uint8Array.from({ length: 5000 }, (_, index) => (index * index * 31) % 256)],
    ["a header without its fields", Buffer.from("{}\n")],
    ["a line that never ends", Buffer.alloc(200_000, "[")],
  ])("starts from the beginning if the checkpoint is %s, and reports it", async (name, checkpoint) => {
    const path = join(folder(), name);
    await writeFile(path, checkpoint);
    engine.send(paintRequest({}, 64, path));
    const { message } = await engine.next("restarted");
    expect(message).toBe(`the checkpoint of ${checkpoint.length} bytes cannot be read`);
    expect((await engine.next("progress")).progress.step).toBe(1);
    await engine.next("painted");
  });

  it("fails cleanly on a picture whose bytes do not fit its size, and paints the next job", async () => {
    const request = paintRequest();
    engine.send({
      ...request,
      pictures: { ...request.pictures, content: { width: 64, height: 64, data: new Uint8Array(100) } },
    });
    expect(await engine.next("failed")).toMatchObject({ code: "engine_failed" });
    engine.send(paintRequest());
    await engine.next("painted");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("does not mind a %s: its worker decides", async (signal) => {
    engine.child.kill(signal);
    engine.send(paintRequest());
    await engine.next("painted");
  });
});

describe("An engine process without weights", () => {
  it("says what is missing and where it looked, and refuses to paint", async () => {
    const root = join(folder(), "project");
    const engine = new EngineUnderTest(root);
    const { code, message } = await engine.next("not_ready");
    expect(code).toBe("weights_missing");
    expect(message).toContain(join(root, "models/vgg19"));
    expect(message).toContain("NST_VGG19_WEIGHTS");
    engine.send(paintRequest());
    expect(await engine.next("failed")).toMatchObject({ code: "engine_unavailable" });
    engine.child.disconnect();
    await once(engine.child, "exit");
    expect(engine.child.exitCode).toBe(0);
  });
});

describe("An engine process whose worker is gone", () => {
  it("ends within a step, in the middle of a painting", async () => {
    const engine = new EngineUnderTest(ROOT, "random:1:16");
    await engine.next("ready");
    engine.send(paintRequest({ steps: 20_000, scales: 1 }, 256));
    await engine.next("progress");
    const gone = once(engine.child, "exit");
    engine.child.disconnect();
    await gone;
    expect(engine.child.exitCode).toBe(0);
  });
});
