import type { Size } from "./picture-size.ts";
import { type PictureSource, sharp } from "./sharp.ts";

/** The upright size of a picture that `validatePicture` accepted. */
export async function readSize(source: PictureSource): Promise<Size> {
  const { autoOrient } = await sharp(source, { limitInputPixels: false }).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}
