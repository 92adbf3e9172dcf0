import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { findWeights, KERAS_FILE, weightsCandidates } from "../../../workers/engine/weights/find-weights.ts";
import { WeightsError } from "../../../workers/engine/weights/vgg19-weights.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();

async function touch(...parts: string[]): Promise<string> {
  const path = join(folder(), ...parts);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "");
  return path;
}

describe("findWeights", () => {
  it("looks into models/vgg19, then into the folder beside the project, then into Keras's cache", () => {
    expect(weightsCandidates("/somewhere/project", undefined)).toEqual([
      "/somewhere/project/models/vgg19",
      "/somewhere/shared/vgg19",
      join(homedir(), ".keras/models", KERAS_FILE),
    ]);
  });

  it("takes the first place that has weights", async () => {
    const root = join(folder(), "project");
    const shared = await touch("shared/vgg19/model.json");
    expect(findWeights(root, undefined)).toBe(shared);
    const own = await touch("project/models/vgg19", KERAS_FILE);
    expect(findWeights(root, undefined)).toBe(own);
    const converted = await touch("project/models/vgg19/model.json");
    expect(findWeights(root, undefined)).toBe(converted);
  });

  it("takes what was configured, a folder or a file, before all else", async () => {
    const root = join(folder(), "project");
    await touch("project/models/vgg19/model.json");
    const inFolder = await touch("own/model.json");
    expect(findWeights(root, join(folder(), "own"))).toBe(inFolder);
    const file = await touch("anywhere/weights-of-mine.h5");
    expect(findWeights(root, file)).toBe(file);
    expect(findWeights(root, "random:7:4")).toBe("random:7:4");
  });

  it("says what it expects if a file of PyTorch is configured", async () => {
    const file = await touch("vgg19.pth");
    expect(() => findWeights(folder(), file)).toThrow(
      /vgg19\.pth: expected .*model\.json.*found a \.pth file/,
    );
  });

  it("falls back on nothing else when what was configured is not there", async () => {
    const root = join(folder(), "project");
    await touch("project/models/vgg19/model.json");
    const configured = join(folder(), "mistyped");
    expect(() => findWeights(root, configured)).toThrow(WeightsError);
    expect(() => findWeights(root, configured)).toThrow(`Looked at: ${configured}.`);
  });

  it("lists every place it looked at when there is nothing", () => {
    const root = join(folder(), "empty/project");
    const message = messageOf(() => findWeights(root, "/nowhere/vgg19"));
    expect(message).toContain("/nowhere/vgg19");
    expect(message).toContain("NST_VGG19_WEIGHTS");
    expect(message).toContain("npm run setup");
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
