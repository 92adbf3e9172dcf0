import sharp from "sharp";

// The only import with a side effect: no code can use sharp before its other decoders are blocked.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadHeif"],
});
// Each picture is decoded once or twice, so libvips' operation cache would only waste memory.
sharp.cache(false);

export { default as sharp } from "sharp";

/** The path or the bytes of a file. */
export type PictureSource = string | Uint8Array;
