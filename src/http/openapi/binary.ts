import type { Readable } from "node:stream";
import { z } from "zod";

/** A response that is a file. */
export const binarySchema = z
  .custom<Readable | Uint8Array>()
  .meta({ type: "string", format: "binary", description: "The bytes of the file." });
