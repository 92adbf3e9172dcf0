import type { Options } from "../contract/options.ts";
import { PictureProblem } from "./picture-problem.ts";
import { SHORTEST_EDGE, type Size } from "./picture-size.ts";
import type { PictureType } from "./picture-type.ts";

export interface PictureLimits {
  picturePixels: number;
}

/** Whether a picture with several frames is rejected, or its first frame is used. */
export type Frame = Options["frame"];

/** What the header of a picture says; the size is that of the upright picture. */
export interface PictureHeader extends Size {
  type: PictureType;
  frames: number;
}

/** Throws a `PictureProblem` if the picture need not be decoded to see that it cannot be painted. */
export function checkHeader(
  { frames, width, height }: PictureHeader,
  { picturePixels }: PictureLimits,
  frame: Frame,
): void {
  if (frames > 1 && frame !== "first") {
    const expected = '1 frame, or the option frame: "first", which paints the first frame';
    throw new PictureProblem("animated_picture", expected, `${frames} frames`);
  }
  const size = `${width} × ${height}`;
  if (width * height > picturePixels) {
    const received = `${size} = ${width * height} pixels`;
    throw new PictureProblem("too_many_pixels", `at most ${picturePixels} pixels`, received);
  }
  if (Math.min(width, height) < SHORTEST_EDGE) {
    throw new PictureProblem("picture_too_small", `at least ${SHORTEST_EDGE} px on each edge`, `${size} px`);
  }
}
