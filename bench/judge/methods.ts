import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type PresetName, presetNameSchema } from "../../src/contract/options.ts";
import { ROOT } from "../../src/root.ts";

/** A way to paint. */
export type Method = { name: string } & (
  | { kind: "preset"; preset: PresetName }
  /** Painted elsewhere: the pictures are named CONTENT__STYLE.png. */
  | { kind: "folder"; folder: string }
  /** A program that paints one picture: its words may have {content}, {style}, {size}, {output} and {weights} in them. */
  | { kind: "command"; command: string[] }
);

/**
 * Iterations at each scale and at the first. Shortened, a picture of 512 px takes as long as 12 iterations at its own size:
 * about the time of the preset `balanced`.
 */
const CROWSONKB = { crowsonkb: [], "crowsonkb-short": ["6", "12"] };

/**
 * @param text "balanced" (a preset), "crowsonkb", "crowsonkb-short", "before=FOLDER", or
 *   "peer=python peer.py {content} {style} {size} {output}"
 * @param peers where the peers are: a checkout, and a Python that can run it
 */
export function parseMethod(text: string, peers: { crowsonkb?: string | undefined; python: string }): Method {
  if (text in CROWSONKB) {
    const name = text as keyof typeof CROWSONKB;
    if (peers.crowsonkb === undefined) {
      throw new Error(
        `Method ${name}: name a checkout of crowsonkb/style-transfer-pytorch with --crowsonkb FOLDER.`,
      );
    }
    const script = resolve(ROOT, "bench/judge/peers/crowsonkb.py");
    const inputs = [resolve(peers.crowsonkb), "{weights}", "{content}", "{style}", "{size}", "{output}"];
    return { name, kind: "command", command: [peers.python, script, ...inputs, ...CROWSONKB[name]] };
  }
  const [, name, value] = /^([\w.-]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    return { name: text, kind: "preset", preset: presetNameSchema.parse(text) };
  }
  if (value.includes("{output}")) return { name, kind: "command", command: value.split(/\s+/) };
  if (!existsSync(value)) throw new Error(`Method ${name}: there is no folder ${value}.`);
  return { name, kind: "folder", folder: resolve(value) };
}
