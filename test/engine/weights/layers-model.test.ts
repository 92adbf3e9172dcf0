import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { loadLayersModel } from "../../../workers/engine/weights/layers-model.ts";
import { WeightsError } from "../../../workers/engine/weights/vgg19-weights.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import {
  holds,
  type NamedTensor,
  QUANTIZATION,
  type Storage,
  vgg19Tensors,
} from "../../support/vgg19-tensors.ts";

const folder = temporaryFolder();
const [kernel, bias] = vgg19Tensors("float32") as [NamedTensor, NamedTensor];

/** A tensor as the manifest tells of it, and its bytes. */
function part({ name, shape, stored: bytes }: NamedTensor, storage: Storage = "float32") {
  const entry = { name, shape, dtype: "float32" };
  return { entry: storage === "float32" ? entry : { ...entry, quantization: QUANTIZATION[storage] }, bytes };
}

/** Writes a model whose bytes are cut into `cuts.length + 1` shards at places that no tensor minds. */
async function write(
  name: string,
  parts: { entry: object; bytes: Uint8Array }[],
  { cuts = [], surplus = 0 }: { cuts?: number[]; surplus?: number } = {},
): Promise<string> {
  const bytes = Buffer.concat([...parts.map((part) => part.bytes), Buffer.alloc(Math.max(0, surplus))]);
  const whole = bytes.subarray(0, bytes.length + Math.min(0, surplus));
  const edges = [0, ...cuts, whole.length];
  const paths = edges.slice(1).map((_, index) => `${name}-shard${index + 1}.bin`);
  for (const [index, path] of paths.entries()) {
    await writeFile(join(folder(), path), whole.subarray(edges[index], edges[index + 1]));
  }
  const weightsManifest = [{ paths, weights: parts.map((part) => part.entry) }];
  const model = join(folder(), `${name}.json`);
  await writeFile(model, JSON.stringify({ format: "layers-model", modelTopology: {}, weightsManifest }));
  return model;
}

describe("loadLayersModel", () => {
  it.each(["float32", "uint8", "uint16"] as const)(
    "reads a whole network stored as %s back",
    async (storage) => {
      const tensors = vgg19Tensors(storage);
      const parts = tensors.map((tensor) => part(tensor, storage));
      const weights = await loadLayersModel(await write(storage, parts, { cuts: [1001, 1002, 3_000_003] }));
      const wrong = tensors.filter((tensor) => {
        const [layer, kind] = tensor.name.split("/") as [keyof typeof weights, "kernel" | "bias"];
        return !holds(weights[layer][kind], tensor.values);
      });
      expect(wrong.map(({ name }) => name)).toEqual([]);
      expect(weights.block5_conv4).toMatchObject({ inputs: 512, outputs: 512 });
    },
  );

  it("names a tensor of a wrong shape, with both shapes", async () => {
    const turned = { ...bias, shape: [32, 2] };
    const model = await write("turned", [part(kernel), part(turned)]);
    await expectError(model, `${model}: block1_conv1/bias has shape [32,2], expected [64]`);
  });

  it("names a layer that is missing", async () => {
    const model = await write("missing", [part(kernel), part(bias)]);
    await expectError(model, `${model}: block1_conv2/kernel is missing`);
  });

  it("names the tensor at which truncated shards end", async () => {
    const model = await write("truncated", [part(kernel), part(bias)], {
      cuts: [100],
      surplus: -1,
    });
    await expectError(
      model,
      `${model}: the shards are truncated: block1_conv1/bias needs bytes 6912 to 7168, there are 7167`,
    );
  });

  it("tells of bytes that belong to no tensor", async () => {
    const model = await write("surplus", [part(kernel), part(bias)], {
      surplus: 3,
    });
    await expectError(model, `${model}: expected 7168 bytes in the shards, found 7171`);
  });

  it("names a shard that is missing", async () => {
    const model = join(folder(), "no-shard.json");
    const weights = [part(kernel).entry];
    await writeFile(model, JSON.stringify({ weightsManifest: [{ paths: ["gone.bin"], weights }] }));
    await expectError(model, `${join(folder(), "gone.bin")}: the shard cannot be read`);
  });

  it.each([
    ["is not JSON", "{ not json"],
    ["is JSON of another kind", '{"weights": []}'],
    [
      "has a kind of quantisation that is not known",
      JSON.stringify({
        weightsManifest: [
          {
            paths: [],
            weights: [{ ...part(bias).entry, quantization: { dtype: "float16", scale: 1, min: 0 } }],
          },
        ],
      }),
    ],
    ["is empty", ""],
  ])("says that a model is not readable when it %s", async (name, text) => {
    const model = join(folder(), `${name}.json`);
    await writeFile(model, text);
    await expectError(model, `${model}: not a readable TensorFlow.js layers model`);
  });

  it("says that a model is not there", async () => {
    const model = join(folder(), "nowhere/model.json");
    await expectError(model, `${model}: not a readable TensorFlow.js layers model`);
  });
});

async function expectError(path: string, message: string): Promise<void> {
  const loading = loadLayersModel(path);
  await expect(loading).rejects.toThrow(WeightsError);
  await expect(loading).rejects.toThrow(message);
}
