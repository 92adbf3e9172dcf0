import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { HYPERCOLUMN_LAYERS } from "./grid.ts";
import { Guidance } from "./guidance.ts";
import { LEAST_VISIBLE } from "./hypercolumns.ts";
import type { LossContext, WeightedStyle } from "./loss.ts";
import { centredUnit } from "./matching.ts";
import { gridAt, offsetAt, pickRows, type SampleGrid } from "./sample-grid.ts";

/** Samples that are held of a style's layer, to be used in turn. */
const STYLE_SAMPLES = 4;

/** A style's positions at a layer, centred and of norm 1, `[positions, channels]`: several samples. */
export type StyleSamples = ReadonlyMap<Layer, Tensor2D[]>;

/** Kept. */
export function samplesOf(
  { capture, options }: LossContext,
  { picture, visible }: WeightedStyle,
): StyleSamples {
  const [, height, width] = picture.shape;
  const grids = new Map(
    HYPERCOLUMN_LAYERS.map((layer) => [
      layer,
      Array.from({ length: STYLE_SAMPLES }, (_, index) =>
        gridAt({ width, height }, layer, offsetAt(options.seed, -1 - index, layer)),
      ).filter(({ stride }, index) => stride > 1 || index === 0),
    ]),
  );
  const pieces = new Map<Layer, Tensor4D[][]>();
  const guidance = visible && new Guidance(visible);
  try {
    capture(picture, HYPERCOLUMN_LAYERS, (layer, features, firstRow) => {
      const ofLayer = pieces.get(layer) ?? (grids.get(layer) ?? []).map(() => []);
      pieces.set(layer, ofLayer);
      for (const [index, grid] of (grids.get(layer) ?? []).entries()) {
        const picked = pickRows(features, firstRow, grid);
        if (picked !== undefined) ofLayer[index]?.push(tf.keep(picked));
      }
    });
    return new Map(
      [...pieces].map(([layer, ofLayer]) => [
        layer,
        ofLayer.map((rows, index) =>
          tf.keep(
            tf.tidy(() => visibleUnit(layer, rows, guidance, (grids.get(layer) ?? [])[index] as SampleGrid)),
          ),
        ),
      ]),
    );
  } finally {
    guidance?.dispose();
    tf.dispose([...pieces.values()].flat(2));
  }
}

function visibleUnit(
  layer: Layer,
  pieces: Tensor4D[],
  guidance: Guidance | undefined,
  grid: SampleGrid,
): Tensor2D {
  const whole = tf.concat(pieces, 1);
  const rows = whole.reshape<Tensor2D>([-1, whole.shape[3]]);
  if (guidance === undefined) return centredUnit(rows).unit;
  const shares = pickRows(guidance.map(layer), 0, grid)?.dataSync() ?? [];
  const seen = [...shares.keys()].filter((position) => (shares[position] ?? 0) >= LEAST_VISIBLE);
  const indices = tf.tensor1d(seen.length === 0 ? [0] : seen, "int32");
  return centredUnit(tf.gather(rows, indices) as Tensor2D).unit;
}
