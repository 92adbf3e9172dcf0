import type { Readable } from "node:stream";
import { z } from "zod";

/** A file as an answer: its bytes are sent as they are. */
export const binarySchema = z
  .custom<Readable | Uint8Array>()
  .meta({ type: "string", format: "binary", description: "The file's bytes." });
