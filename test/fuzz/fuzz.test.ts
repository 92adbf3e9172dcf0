import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { fuzz, isClean } from "./fuzz.ts";

it("Broken pictures of every type are accepted and can be decoded, or are refused cleanly", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nst-fuzz-"));
  const report = await fuzz({ seconds: 5, seed: 1, folder });
  expect(report).toMatchObject({ wrong: [], serves: true, leftovers: 0 });
  expect(isClean(report)).toBe(true);
  for (const { sent, answers } of Object.values(report.types)) {
    expect(sent).toBeGreaterThan(0);
    expect(Object.keys(answers).length).toBeGreaterThan(1);
  }
});
