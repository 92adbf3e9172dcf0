import { readFile } from "node:fs/promises";

/** ‖a − b‖ / ‖b‖ of two gradients in files of float32, or of float64 where the name ends so. */
export async function gradientDistance(a: string, b: string): Promise<number> {
  const [left, right] = [await floats(a), await floats(b)];
  let [difference, norm] = [0, 0];
  for (const [index, value] of right.entries()) {
    difference += ((left[index] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

async function floats(path: string): Promise<Float32Array | Float64Array> {
  const { buffer } = Uint8Array.from(await readFile(path));
  return path.endsWith("float64.gradient") ? new Float64Array(buffer) : new Float32Array(buffer);
}
