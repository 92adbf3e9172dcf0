import { resolve } from "node:path";

/** The project's root folder, which contains `dist` with the compiled files. */
export const ROOT = resolve(import.meta.dirname, "..", "..");
