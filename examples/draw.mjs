// node examples/draw.mjs: draws the example pictures. The same version of sharp writes the same bytes.
import { join } from "node:path";
import { drawCat } from "./draw/cat.mjs";
import { drawSandstone } from "./draw/sandstone.mjs";
import { drawWaves } from "./draw/waves.mjs";

const folder = import.meta.dirname;
await (await drawCat(640)).jpeg({ quality: 90, mozjpeg: true }).toFile(join(folder, "cat.jpg"));
await drawSandstone(640).jpeg({ quality: 90, mozjpeg: true }).toFile(join(folder, "sandstone.jpg"));
await drawWaves(640).jpeg({ quality: 85, mozjpeg: true }).toFile(join(folder, "waves.jpg"));
