import { type Layer, VGG19_LAYERS } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";
import { mapSize } from "../network/stages.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";

/** Positions along the longer edge of a map, at most. */
const POSITIONS = 64;

/** Every `stride`-th position of a feature map in both directions. */
export interface SampleGrid {
  stride: number;
  top: number;
  left: number;
}

/** @param offset 0 to 1 in each direction, in strides */
export function gridAt(size: Size, layer: Layer, offset: readonly [number, number]): SampleGrid {
  const map = mapSize(size, layer);
  const stride = Math.ceil(Math.max(map.width, map.height) / POSITIONS);
  const most = (edge: number, share: number) => Math.min(edge - 1, Math.floor(share * stride));
  return { stride, top: most(map.height, offset[0]), left: most(map.width, offset[1]) };
}

/** Two numbers from 0 to 1 that look random, and are the same again for a job's seed, a step and a layer. */
export function offsetAt(seed: number, step: number, layer: Layer): [number, number] {
  const key = [seed, step, VGG19_LAYERS.indexOf(layer)].reduce(mix, 0x9e3779b9);
  return [mix(key, 1) / 2 ** 32, mix(key, 2) / 2 ** 32];
}

/** One round of MurmurHash3's mixing and its finalizer (A. Appleby, public domain). */
function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ Math.imul(value + 0x7f4a7c15, 0xcc9e2d51), 0x1b873593);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The rows of a map that lie on the grid, at its columns; undefined if none does. */
export function pickRows(features: Tensor4D, firstRow: number, grid: SampleGrid): Tensor4D | undefined {
  const [, height, width, channels] = features.shape;
  const first = firstOnGrid(firstRow, grid);
  if (first >= height) return undefined;
  const { stride, left } = grid;
  return tf.stridedSlice(
    features,
    [0, first, left, 0],
    [1, height, width, channels],
    [1, stride, stride, 1],
  ) as Tensor4D;
}

/**
 * The part of a gradient on the grid that belongs to some rows of the map, with zeros between.
 *
 * @param gradient on all of the grid @param shape of the rows
 */
export function spreadRows(
  gradient: Tensor4D,
  firstRow: number,
  shape: Tensor4D["shape"],
  grid: SampleGrid,
): Tensor4D | undefined {
  const { stride, top, left } = grid;
  const [, height, width, channels] = shape;
  const first = firstOnGrid(firstRow, grid);
  if (first >= height) return undefined;
  const rows = Math.ceil((height - first) / stride);
  const columns = gradient.shape[2];
  return tf.tidy(() => {
    const own = gradient.slice([0, (firstRow + first - top) / stride, 0, 0], [1, rows, columns, channels]);
    if (stride === 1) return own;
    // A row and a column of the grid become `stride` of the map, of which the first is not 0.
    const spread = tf
      .pad(own.reshape([rows, 1, columns, channels]), [
        [0, 0],
        [0, stride - 1],
        [0, 0],
        [0, 0],
      ])
      .reshape([rows * stride, columns, 1, channels]);
    const both = tf
      .pad(spread, [
        [0, 0],
        [0, 0],
        [0, stride - 1],
        [0, 0],
      ])
      .reshape<Tensor4D>([1, rows * stride, columns * stride, channels]);
    const inside = both.slice(
      [0, 0, 0, 0],
      [1, Math.min(rows * stride, height - first), Math.min(columns * stride, width - left), channels],
    );
    const [, h, w] = inside.shape;
    return tf.pad(inside, [
      [0, 0],
      [first, height - first - h],
      [left, width - left - w],
      [0, 0],
    ]);
  });
}

/** The first of some rows of a map that is on the grid, counted from the first of these. */
function firstOnGrid(firstRow: number, { stride, top }: SampleGrid): number {
  return (((top - firstRow) % stride) + stride) % stride;
}
