import type { Stage } from "./stages.ts";

/** A horizontal strip of a picture: the rows it is computed from, and those that it answers for. */
export interface Strip {
  /** Rows of the picture that are fed in, `first` to `last` exclusive: the owned ones and a halo on either side. */
  first: number;
  last: number;
  /** Rows that belong to this strip alone, `ownedFirst` to `ownedLast` exclusive. */
  ownedFirst: number;
  ownedLast: number;
}

/** Stages before this one are computed strip by strip: the first two blocks hold nearly all of the activations. */
const BOUNDARY = "block3_conv1";

/**
 * Rows of context that make a strip exact. At a cut the convolutions see zeros instead of the neighbouring rows;
 * through both convolutions and the pooling of each of two blocks that reaches 8 rows of the picture. 8 is also a
 * whole number of Winograd tiles at both resolutions, so that a strip's tiles are those of the whole picture.
 */
const HALO = 8;

/** Strips begin at whole rows of the boundary's feature map and whole tiles of the layers above. */
export const STRIP_ALIGNMENT = 16;

/** The stages that strips go through, and the rest, which sees the picture whole. */
export function splitAtBoundary(stages: readonly Stage[]): { shallow: Stage[]; deep: Stage[] } {
  const index = stages.findIndex((stage) => stage.kind === "convolution" && stage.layer === BOUNDARY);
  const boundary = index === -1 ? stages.length : index;
  return { shallow: stages.slice(0, boundary), deep: stages.slice(boundary) };
}

/** Strips of `rows` rows, a multiple of {@link STRIP_ALIGNMENT} or Infinity; the last one takes what is left. */
export function stripsOver(height: number, rows: number): Strip[] {
  const count = Math.max(1, Math.floor(height / rows));
  return Array.from({ length: count }, (_, index) => {
    const ownedFirst = index === 0 ? 0 : index * rows;
    const ownedLast = index === count - 1 ? height : ownedFirst + rows;
    return {
      ownedFirst,
      ownedLast,
      first: Math.max(0, ownedFirst - HALO),
      last: Math.min(height, ownedLast + HALO),
    };
  });
}

/** The rows of a strip's feature map that it owns, where the map is `reduction` times smaller than the picture. */
export function ownedRows(
  strip: Strip,
  reduction: number,
): { offset: number; count: number; ownedFirst: number } {
  const ownedFirst = strip.ownedFirst / reduction;
  const offset = ownedFirst - strip.first / reduction;
  return { ownedFirst, offset, count: Math.floor(strip.ownedLast / reduction) - ownedFirst };
}
