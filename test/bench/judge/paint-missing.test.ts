import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import { type Method, parseMethod } from "../../../bench/judge/methods.ts";
import { paintMissing } from "../../../bench/judge/paint-missing.ts";
import { selectPairs } from "../../../bench/judge/pairs.ts";
import { writeSheets } from "../../../bench/judge/write-sheets.ts";

const PAIRS = selectPairs("kodak_girl__udnie,kodak_hat__wave");
const NAMES = ["kodak_girl__udnie", "kodak_hat__wave"];
let root: string;
let pictures: string;
let output: string;
let before: string;
let lines: string[];
const settings = () => ({ pictures, output, size: 64, weights: "", log: (line: string) => lines.push(line) });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nst-test-"));
  [pictures, output, before] = ["pictures", "output", "before"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [pictures, output, before]) await mkdir(folder);
  lines = [];
  for (const { content, style } of PAIRS) {
    for (const name of [content, style]) await drawPicture(join(pictures, `${name}.png`));
  }
});

afterEach(() => rm(root, { recursive: true }));

const drawPicture = (path: string, width = 64) =>
  sharp({ create: { width, height: 40, channels: 3, background: "#884422" } }).toFile(path);
const parse = (text: string) => parseMethod(text, { python: "python3" });
const copier = () => parse("copy=cp {content} {output}");

describe("A method of the judge", () => {
  it("paints only what is missing", async () => {
    const first = await paintMissing(copier(), PAIRS.slice(0, 1), settings());
    expect([...first.keys()]).toEqual(NAMES.slice(0, 1));
    const all = await paintMissing(copier(), PAIRS, settings());
    expect([...all.keys()]).toEqual(NAMES);
    expect(lines.map((line) => NAMES.find((name) => line.includes(name)))).toEqual(NAMES);
    expect([...all.values()].every((path) => existsSync(path))).toBe(true);
  });

  it("keeps nothing of a picture whose painting was interrupted", async () => {
    const broken: Method = {
      ...{ name: "copy", kind: "command" },
      command: ["sh", "-c", 'cp "$0" "$1"; exit 1', "{content}", "{output}"],
    };
    await expect(paintMissing(broken, PAIRS, settings())).rejects.toThrow("Command failed");
    await paintMissing(copier(), PAIRS, settings());
    expect(lines).toHaveLength(2);
    expect((await readdir(join(output, "painted/copy-64"))).toSorted()).toEqual(
      NAMES.map((name) => `${name}.png`),
    );
  });

  it("may be a folder of pictures at the size that is compared", async () => {
    await expect(paintMissing(parse(`before=${before}`), PAIRS, settings())).rejects.toThrow(
      "lacks pictures",
    );
    for (const name of NAMES) await copyFile(join(pictures, "udnie.png"), join(before, `${name}.png`));
    expect((await paintMissing(parse(`before=${before}`), PAIRS, settings())).size).toBe(2);
    await drawPicture(join(before, "kodak_hat__wave.png"), 48);
    await expect(paintMissing(parse(`before=${before}`), PAIRS, settings())).rejects.toThrow(
      /Method before: expected a longest edge of 64 px, .*kodak_hat__wave.png has 48 × 40/,
    );
  });

  it("is a peer only if its checkout is named", () => {
    expect(() => parse("crowsonkb-short")).toThrow(
      "Method crowsonkb-short: name a checkout of crowsonkb/style-transfer-pytorch with --crowsonkb FOLDER.",
    );
    const { command } = parseMethod("crowsonkb-short", { crowsonkb: "/checkout", python: "python3" }) as {
      command: string[];
    };
    expect(command.slice(-2)).toEqual(["6", "12"]);
    expect(command).toContain("/checkout");
  });

  it("is hidden on the sheets, which tell how to choose", async () => {
    for (const name of NAMES) await copyFile(join(pictures, "udnie.png"), join(before, `${name}.png`));
    const painted = new Map([
      ["copy", await paintMissing(copier(), PAIRS, settings())],
      ["before", await paintMissing(parse(`before=${before}`), PAIRS, settings())],
    ]);
    const written = await writeSheets(PAIRS, painted, { pictures, output, size: 64, isPairwise: true });
    expect((await readdir(written.folder)).toSorted()).toEqual(["01.png", "02.png", "choose.txt"]);
    expect(written.folder).toContain(written.hash.slice(0, 8));
    expect(existsSync(join(output, `key-${written.hash.slice(0, 8)}.json`))).toBe(true);
  });
});
