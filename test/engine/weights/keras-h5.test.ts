import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { File, ready } from "h5wasm/node";
import { VGG19_LAYERS } from "../../../src/contract/vgg19-layers.ts";
import { loadKerasH5 } from "../../../workers/engine/weights/keras-h5.ts";
import { WeightsError } from "../../../workers/engine/weights/vgg19-weights.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { holds, type NamedTensor, vgg19Tensors } from "../../support/vgg19-tensors.ts";

const tensors = vgg19Tensors("float32");
const folder = temporaryFolder();

/** Where Keras 1 (the file that Keras still hands out), Keras 2 and a whole saved model put a tensor. */
const LAYOUTS: Record<string, (layer: string, kind: string) => string[]> = {
  "Keras 1": (layer, kind) => [layer, `${layer}_${kind === "kernel" ? "W" : "b"}_1:0`],
  "Keras 2": (layer, kind) => [layer, layer, `${kind}:0`],
  "saved model": (layer, kind) => ["model_weights", layer, layer, `${kind}:0`],
};
const [kernel, bias] = tensors as [NamedTensor, NamedTensor];

function write(name: string, layout: string, contents: NamedTensor[], asDoubles = false): string {
  const path = join(folder(), name);
  const file = new File(path, "w");
  for (const tensor of contents) {
    const [layer = "", kind = ""] = tensor.name.split("/");
    const parts = LAYOUTS[layout]?.(layer, kind) ?? [];
    for (let depth = 1; depth < parts.length; depth += 1) {
      const group = parts.slice(0, depth).join("/");
      if (file.get(group) === null) {
        file.create_group(group);
      }
    }
    const { buffer, byteOffset, byteLength } = tensor.values;
    const floats = new Float32Array(buffer, byteOffset, byteLength / 4);
    const data = asDoubles ? Float64Array.from(floats) : floats;
    file.create_dataset({ name: parts.join("/"), data, shape: tensor.shape });
  }
  file.close();
  return path;
}

describe("loadKerasH5", () => {
  beforeAll(async () => {
    await ready;
  });

  it.each(Object.keys(LAYOUTS))(
    "reads every tensor of a file with the names of %s bit by bit",
    async (layout) => {
      const weights = await loadKerasH5(write(`${layout}.h5`, layout, tensors));
      expect(Object.keys(weights)).toEqual([...VGG19_LAYERS]);
      const wrong = tensors.filter((tensor) => {
        const [layer, kind] = tensor.name.split("/") as [keyof typeof weights, "kernel" | "bias"];
        return !holds(weights[layer][kind], tensor.values);
      });
      expect(wrong.map(({ name }) => name)).toEqual([]);
      expect(weights.block3_conv1).toMatchObject({ inputs: 128, outputs: 256 });
    },
  );

  it("names the first tensor that is missing", async () => {
    const path = write("missing.h5", "Keras 1", [kernel]);
    await expectError(path, `${path}: block1_conv1/bias is missing`);
  });

  it("names a tensor of a wrong shape, with both shapes", async () => {
    const turned = { ...kernel, shape: [64, 3, 3, 3] };
    const path = write("turned.h5", "Keras 2", [turned, bias]);
    await expectError(path, `${path}: block1_conv1/kernel has shape [64,3,3,3], expected [3,3,3,64]`);
  });

  it("names a tensor of another type", async () => {
    const path = write("double.h5", "Keras 2", [kernel, bias], true);
    await expectError(path, /block1_conv1\/kernel:0 is of type <d, expected float32/);
  });

  it("says that a file is not HDF5", async () => {
    const path = join(folder(), "text.h5");
    await writeFile(path, "these are not weights".repeat(100));
    await expectError(path, `${path}: not a readable HDF5 file (file signature not found)`);
  });

  it("says that a file was cut off", async () => {
    const path = write("cut.h5", "Keras 1", [kernel, bias]);
    await truncate(path, 5000);
    await expectError(path, `${path}: not a readable HDF5 file (truncated file`);
  });

  it("names the tensor at which a file is damaged", async () => {
    const path = write("damaged.h5", "Keras 1", [kernel, bias]);
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xff, 800, 2000));
    await expectError(path, /damaged\.h5: block1_conv1\/block1_conv1_[Wb]_1:0 cannot be read \(.{1,100}\)$/);
  });

  it("says that a file is not there", async () => {
    const path = join(folder(), "nowhere.h5");
    await expectError(path, /nowhere\.h5: not a readable HDF5 file .*no such file/);
  });
});

async function expectError(path: string, message: string | RegExp): Promise<void> {
  const loading = loadKerasH5(path);
  await expect(loading).rejects.toThrow(WeightsError);
  await expect(loading).rejects.toThrow(message);
}
