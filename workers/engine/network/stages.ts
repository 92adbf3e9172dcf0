import { type Layer, VGG19_LAYERS } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";

/** VGG-19 as the list of its stages: a convolution with its ReLU, or the pooling at the end of a block. */
export type Stage = { kind: "convolution"; layer: Layer } | { kind: "pooling" };

/** The stages up to and with `deepest`; none where no layer is asked for. */
export function stagesUpTo(deepest: Layer | undefined): Stage[] {
  if (deepest === undefined) {
    return [];
  }
  const layers = VGG19_LAYERS.slice(0, VGG19_LAYERS.indexOf(deepest) + 1);
  return layers.flatMap((layer, index) => {
    const startsBlock = index > 0 && layer[5] !== layers[index - 1]?.[5];
    const convolution = { kind: "convolution", layer } as const;
    return startsBlock ? [{ kind: "pooling" } as const, convolution] : [convolution];
  });
}

/** The deepest of some layers. */
export function deepestLayer(layers: readonly Layer[]): Layer | undefined {
  return VGG19_LAYERS.findLast((layer) => layers.includes(layer));
}

/** The block that a layer is in, counted from 0: so often is a picture halved before it. */
export function blockOf(layer: Layer): number {
  return Number(layer["block".length]) - 1;
}

/** Rows and columns of a layer's feature map. */
export function mapSize({ width, height }: Size, layer: Layer): Size {
  const reduction = 2 ** blockOf(layer); // a last odd row or column is dropped each time
  return { width: Math.floor(width / reduction), height: Math.floor(height / reduction) };
}

/** Positions of a hypercolumn grid along its longer edge, at most. */
const GRID_POSITIONS = 128;

/** How many pixels a position of a picture's hypercolumn grid stands for in each direction: 4, or more above 512 px. */
export function gridReduction({ width, height }: Size): number {
  const needed = Math.max(width, height) / GRID_POSITIONS;
  return Math.max(4, 2 ** Math.ceil(Math.log2(needed)));
}
