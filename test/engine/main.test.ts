import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
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

  /** The first event of a type, from the `from`th event on; waits for it. */
  async next<Type extends EngineEvent["type"]>(
    type: Type,
    from = 0,
    id?: string,
  ): Promise<Extract<EngineEvent, { type: Type }>> {
    for (;;) {
      const found = this.events
        .slice(from)
        .find((event) => event.type === type && (id === undefined || ("id" in event && event.id === id)));
      if (found !== undefined) {
        return found as Extract<EngineEvent, { type: Type }>;
      }
      await once(this.child, "message");
    }
  }

  /** The picture of a painting, once it is painted. */
  async pictureOf(id: string): Promise<Buffer> {
    return Buffer.from((await this.next("painted", 0, id)).picture.data);
  }

  /** The types of the events about a painting, one after the other. */
  typesOf(id: string): string[] {
    return this.events.filter((event) => "id" in event && event.id === id).map(({ type }) => type);
  }
}

function paintRequest(id: string, more: RequestOptions = {}, edge = 64, checkpoint: string | null = null) {
  const small: RequestOptions = { preset: "draft", size: edge, steps: 6, preview_interval: 0 };
  const options = optionsSchema.parse(resolveOptions({ ...small, ...more }, 1));
  const pictures = { content: discRaster(edge, edge), styles: [stripesRaster(edge, 40)] };
  return { type: "paint", id, pictures, options, steered: 0, checkpoint } as const;
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
    expect(["stock", "neon", "avx2", "avx512"]).toContain(device.kernels);
    expect(device.memory_mib).toBeGreaterThan(500);
  });

  it("reports every step, then the picture, and paints the next one without loading anew", async () => {
    for (const id of ["first", "second"]) {
      engine.send(paintRequest(id, { scales: 2 }));
      const { picture, progress } = await engine.next("painted");
      expect([picture.width, picture.height, picture.data.length]).toEqual([64, 64, 64 * 64 * 3]);
      expect(progress).toMatchObject({ step: 6, total_steps: 6, fraction: 1, eta_seconds: 0 });
      const steps = engine.events.flatMap((event) =>
        event.type === "progress" ? [event.progress.step] : [],
      );
      expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
      expect(engine.typesOf(id)).toEqual([...Array(6).fill("progress"), "painted"]);
      expect(engine.events.some(({ type }) => type === "ready")).toBe(false);
      engine.events.length = 0;
    }
  });

  it("shows a preview at the interval asked for, at its scale's size", async () => {
    engine.send(paintRequest("previews", { preview_interval: 2, scales: 2 }));
    await engine.next("painted");
    const previews = engine.events.flatMap((event) => (event.type === "preview" ? [event] : []));
    expect(previews.map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(previews.map(({ picture }) => picture.data.length)).toEqual(
      [32, 64, 64].map((edge) => edge * edge * 3),
    );
  });

  it("gives a checkpoint when asked, from which another run ends in the same picture", async () => {
    engine.send(paintRequest("whole", { steps: 12 }));
    await engine.next("progress");
    const path = join(folder(), "checkpoint");
    engine.send({ type: "checkpoint", id: "whole", path });
    const { step } = await engine.next("checkpoint");
    const whole = await engine.next("painted");
    expect(step).toBeLessThan(12);
    engine.events.length = 0;
    engine.send(paintRequest("resumed", { steps: 12 }, 64, path));
    const resumed = await engine.next("painted");
    expect(engine.typesOf("resumed").filter((type) => type === "progress")).toHaveLength(12 - step);
    expect(Buffer.from(resumed.picture.data).equals(Buffer.from(whole.picture.data))).toBe(true);
  });

  it("goes on painting where a checkpoint cannot be written, and says why", async () => {
    engine.send(paintRequest("unsaved", { steps: 12 }));
    await engine.next("progress");
    engine.send({ type: "checkpoint", id: "unsaved", path: join(folder(), "no such folder", "checkpoint") });
    expect((await engine.next("checkpoint_failed")).message).toContain("ENOENT");
    await engine.next("painted");
  });

  it("stops within a step when canceled, and paints the next job", async () => {
    engine.send(paintRequest("canceled", { steps: 5000, scales: 1 }, 256));
    await engine.next("progress");
    const before = engine.events.length;
    engine.send({ type: "cancel", id: "somebody else" });
    engine.send({ type: "cancel", id: "canceled" });
    await engine.next("canceled");
    // The step that was under way, and one that was done but not yet reported.
    expect(engine.events.length - before).toBeLessThanOrEqual(3);
    engine.send(paintRequest("after"));
    await engine.next("painted");
    expect(engine.typesOf("canceled").at(-1)).toBe("canceled");
  });

  it("refuses what it is painting already, without harm to it", async () => {
    engine.send(paintRequest("twice", { steps: 20 }));
    await engine.next("progress");
    engine.send(paintRequest("twice"));
    const failed = await engine.next("failed");
    expect(failed).toMatchObject({ id: "twice", code: "engine_unavailable" });
    expect(failed.message).toBe("the engine is painting it already");
    expect((await engine.next("painted")).progress.step).toBe(20);
  });

  it("refuses a picture that is too small, with a code", async () => {
    const request = paintRequest("small");
    engine.send({ ...request, pictures: { ...request.pictures, content: discRaster(64, 12) } });
    expect(await engine.next("failed")).toMatchObject({ id: "small", code: "picture_too_small" });
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["noise", Uint8Array.from({ length: 5000 }, (_, index) => (index * index * 31) % 256)],
    ["a header without its fields", Buffer.from("{}\n")],
    ["a line that never ends", Buffer.alloc(200_000, "[")],
  ])("begins anew where the checkpoint is %s, and says so", async (name, checkpoint) => {
    const path = join(folder(), name);
    await writeFile(path, checkpoint);
    engine.send(paintRequest("garbage", {}, 64, path));
    const { message } = await engine.next("begun_anew");
    expect(message).toBe(`the checkpoint of ${checkpoint.length} bytes cannot be read`);
    expect((await engine.next("progress")).progress.step).toBe(1);
    expect((await engine.next("painted")).id).toBe("garbage");
  });

  it("fails cleanly on a picture whose bytes do not fit its size, and paints the next job", async () => {
    const request = paintRequest("crooked");
    engine.send({
      ...request,
      pictures: { ...request.pictures, content: { width: 64, height: 64, data: new Uint8Array(100) } },
    });
    expect(await engine.next("failed")).toMatchObject({ id: "crooked", code: "engine_failed" });
    engine.send(paintRequest("next"));
    await engine.next("painted");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("does not mind a %s: its worker decides", async (signal) => {
    engine.child.kill(signal);
    engine.send(paintRequest("interrupted"));
    await engine.next("painted");
  });
});

describe("An engine process with several paintings", () => {
  let engine: EngineUnderTest;
  /** What each is painted as, one after the other. */
  const alone = new Map<string, Buffer>();
  const typesAlone = new Map<string, string[]>();
  const requests = {
    draft: paintRequest("draft", { steps: 12, preview_interval: 3, scales: 2 }),
    wide: paintRequest("wide", { steps: 12, optimizer: "lbfgs", learning_rate: 1 }, 96),
    other: paintRequest("other", { steps: 14, style_weight: 30, noise: 0.2 }),
  };

  beforeAll(async () => {
    engine = new EngineUnderTest(ROOT, "random:1:4");
    await engine.next("ready");
    for (const [id, request] of Object.entries(requests)) {
      engine.send(request);
      alone.set(id, await engine.pictureOf(id));
      typesAlone.set(id, engine.typesOf(id));
    }
  });
  beforeEach(() => {
    engine.events.length = 0;
  });

  async function expectAsAlone(...ids: string[]) {
    for (const id of ids) expect((await engine.pictureOf(id)).equals(alone.get(id) as Buffer)).toBe(true);
  }

  it("steps them in turn, and paints what it paints of each alone, in the same order of events", async () => {
    for (const request of Object.values(requests)) engine.send(request);
    await expectAsAlone("draft", "wide", "other");
    for (const id of Object.keys(requests)) expect(engine.typesOf(id)).toEqual(typesAlone.get(id));
    const stepsOf = (id: string) =>
      engine.events.flatMap((event, index) => (event.type === "progress" && event.id === id ? [index] : []));
    const [firstOfOther = 0, lastOfDraft = 0] = [stepsOf("other")[0], stepsOf("draft").at(-1)];
    expect(firstOfOther).toBeLessThan(lastOfDraft);
  });

  it("ends one that is canceled, and no other", async () => {
    engine.send(paintRequest("endless", { steps: 5000 }));
    engine.send(requests.draft);
    engine.send(requests.wide);
    await engine.next("progress", 0, "wide");
    engine.send({ type: "cancel", id: "endless" });
    await engine.next("canceled", 0, "endless");
    await expectAsAlone("draft", "wide");
    expect(engine.typesOf("endless").at(-1)).toBe("canceled");
  });

  it("ends one that fails, and no other", async () => {
    engine.send(requests.draft);
    const crooked = paintRequest("crooked");
    const content = { width: 64, height: 64, data: new Uint8Array(100) };
    engine.send({ ...crooked, pictures: { ...crooked.pictures, content } });
    engine.send(requests.other);
    expect(await engine.next("failed")).toMatchObject({ id: "crooked", code: "engine_failed" });
    await expectAsAlone("draft", "other");
    expect(engine.typesOf("crooked")).toEqual(["failed"]);
  });

  it("gives each the checkpoint and the weights that were asked for it", async () => {
    engine.send(requests.wide);
    engine.send(requests.other);
    await engine.next("progress", 0, "other");
    const path = join(folder(), "checkpoint of wide");
    engine.send({ type: "checkpoint", id: "wide", path });
    engine.send({
      type: "steer",
      id: "other",
      options: { ...requests.other.options, style_weight: 1 },
      steered: 1,
    });
    expect((await engine.next("checkpoint")).id).toBe("wide");
    await expectAsAlone("wide");
    expect((await engine.pictureOf("other")).equals(alone.get("other") as Buffer)).toBe(false);
    const steered = engine.events.flatMap((event) =>
      event.type === "progress" && event.steered === 1 ? [event.id] : [],
    );
    expect(new Set(steered)).toEqual(new Set(["other"]));
    engine.events.length = 0;
    engine.send(requests.draft);
    engine.send({ ...requests.wide, checkpoint: path });
    await expectAsAlone("wide", "draft");
  });
});

describe("An engine process without weights", () => {
  it("says what is missing and where it looked, and refuses to paint", async () => {
    const root = join(folder(), "project");
    const engine = new EngineUnderTest(root);
    const { code, message } = await engine.next("unready");
    expect(code).toBe("weights_missing");
    expect(message).toContain(join(root, "models/vgg19"));
    expect(message).toContain("NST_VGG19_WEIGHTS");
    engine.send(paintRequest("early"));
    expect(await engine.next("failed")).toMatchObject({ id: "early", code: "engine_unavailable" });
    engine.child.disconnect();
    await once(engine.child, "exit");
    expect(engine.child.exitCode).toBe(0);
  });
});

describe("An engine process whose worker is gone", () => {
  it("ends within a step, in the middle of a painting", async () => {
    const engine = new EngineUnderTest(ROOT, "random:1:16");
    await engine.next("ready");
    engine.send(paintRequest("orphan", { steps: 20_000, scales: 1 }, 256));
    await engine.next("progress");
    const gone = once(engine.child, "exit");
    engine.child.disconnect();
    await gone;
    expect(engine.child.exitCode).toBe(0);
  });
});
