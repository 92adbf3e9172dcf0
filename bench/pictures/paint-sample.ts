/** One row of bench/pictures/preset-times.ts, in a process of its own so that its memory can be measured: PRESET SIZE. */
import type { PresetName } from "../../src/contract/options.ts";
import { samplePath } from "../sample-pictures.ts";
import { FilePainter } from "./file-painter.ts";

const [preset = "balanced", size = "512"] = process.argv.slice(2);
const painter = await FilePainter.load();
const { width, height, seconds } = await painter.paint({
  content: samplePath("content"),
  styles: [samplePath("style")],
  options: { preset: preset as PresetName, size: Number(size), preview_interval: 0, timelapse_interval: 0 },
});
console.log(JSON.stringify({ width, height, seconds, peak_mib: process.resourceUsage().maxRSS / 1024 }));
