import { readFile } from "node:fs/promises";

/** ‖a − b‖ / ‖b‖ of two gradients, read from files of float32, or of float64 if the name ends with float64.gradient. */
export async function gradientDistance(a: string, b: string): Promise<number> {
  const [left, right] = [await readFloats(a), await readFloats(b)];
  let [difference, norm] = [0, 0];
  for (const [index, value] of right.entries()) {
    difference += ((left[index] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

async function readFloats(path: string): Promise<Float32Array | Float64Array> {
  const { buffer } = Uint8Array.from(await readFile(path));
  return path.endsWith("float64.gradient") ? new Float64Array(buffer) : new Float32Array(buffer);
}
