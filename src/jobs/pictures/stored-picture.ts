import { z } from "zod";
import { PICTURE_TYPES } from "../../pictures/picture-type.ts";

/** What is known of a stored picture, so that it need not be read again. */
export const pictureFactsSchema = z.object({
  type: z.enum(PICTURE_TYPES),
  mediaType: z.string(),
  bytes: z.int().min(1),
  frames: z.int().min(1),
  width: z.int().min(1),
  height: z.int().min(1),
});
export type PictureFacts = z.infer<typeof pictureFactsSchema>;

export interface StoredUpload {
  /** Of the blob. A key is never used for another picture, also after this one is gone. */
  key: string;
  facts: PictureFacts;
}
