import sharp from "sharp";

// The one side effect of an import here: no code can get hold of sharp with its other decoders open.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadHeif"],
});
// Every picture is decoded once or twice: libvips's cache of operations would only hold memory.
sharp.cache(false);

export { default as sharp } from "sharp";

/** A path or the file's bytes. */
export type PictureSource = string | Uint8Array;
