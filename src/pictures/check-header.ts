import { PictureProblem } from "./picture-problem.ts";
import { SHORTEST_EDGE, type Size } from "./picture-size.ts";
import type { PictureType } from "./picture-type.ts";

export interface PictureLimits {
  picturePixels: number;
}

/** What the header of a picture says; the size is that of the upright picture. */
export interface PictureHeader extends Size {
  type: PictureType;
  frames: number;
}

/** Throws a `PictureProblem` if the picture need not be decoded to see that it cannot be painted. */
export function checkHeader(
  { frames, width, height }: PictureHeader,
  { picturePixels }: PictureLimits,
): void {
  if (frames > 1) throw new PictureProblem("animated_picture", "1 frame", `${frames} frames`);
  const size = `${width} × ${height}`;
  if (width * height > picturePixels) {
    const received = `${size} = ${width * height} pixels`;
    throw new PictureProblem("too_many_pixels", `at most ${picturePixels} pixels`, received);
  }
  if (Math.min(width, height) < SHORTEST_EDGE) {
    throw new PictureProblem("picture_too_small", `at least ${SHORTEST_EDGE} px on each edge`, `${size} px`);
  }
}
