import { resolve } from "node:path";

/** The project's root folder: the one above `dist`, where the compiled files lie. */
export const ROOT = resolve(import.meta.dirname, "..", "..");
