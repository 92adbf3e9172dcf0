import { type Tensor, type Tensor4D, tf } from "../tensorflow.ts";

/** A tile's part of some rows of a feature map. */
export interface Piece {
  tile: number;
  top: number;
  height: number;
  left: number;
  width: number;
}

/** Some rows of a feature map in the tiles that they are of. */
export interface Tiling {
  /** How many there are, also those that have none of the rows. */
  tiles: number;
  /** Pieces side by side, row by row; they cover all. */
  rows: Piece[][];
}

/** All that there is of a feature map as one tile. */
export function oneTile([, height, width]: Tensor4D["shape"]): Tiling {
  return { tiles: 1, rows: [[{ tile: 0, top: 0, height, left: 0, width }]] };
}

/** What `compute` makes of each tile's piece `[1, h, w, c]`, stacked; zeros of `shape` where a tile has none. */
export function ofEachTile(
  features: Tensor4D,
  { tiles, rows }: Tiling,
  shape: number[],
  compute: (piece: Tensor4D) => Tensor,
): Tensor {
  return tf.tidy(() => {
    const results = Array.from({ length: tiles }, (): Tensor => tf.zeros(shape));
    for (const { tile, top, height, left, width } of rows.flat()) {
      const piece = features.slice([0, top, left, 0], [1, height, width, features.shape[3]]);
      results[tile] = tf.tidy(() => compute(piece));
    }
    return tf.stack(results);
  });
}

/** The map whose pieces `[1, h, w, c]` are what `compute` says. */
export function mapOfPieces({ rows }: Tiling, compute: (piece: Piece) => Tensor4D): Tensor4D {
  return tf.tidy(() => {
    const whole = rows.map((row) =>
      tf.tidy(() =>
        tf.concat(
          row.map((piece) => compute(piece)),
          2,
        ),
      ),
    );
    return tf.concat(whole, 1) as Tensor4D;
  });
}
