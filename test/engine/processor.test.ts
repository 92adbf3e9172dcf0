import { describe, expect, it } from "@jest/globals";
import { processorsHere } from "../../workers/engine/network/processor.ts";

const x64 = (flags: string) =>
  processorsHere("x64", () => `processor\t: 0\nflags\t\t: ${flags}\nbugs\t\t:\n`);

describe("processorsHere()", () => {
  it("names every kind that the processor is, the most capable first", () => {
    expect(x64("fpu sse2 avx fma avx2 avx512f avx512dq avx512bw avx512vl")).toEqual(["avx512", "avx2"]);
  });

  it("leaves out those that lack an instruction", () => {
    expect(x64("fpu sse2 avx fma avx2 avx512f")).toEqual(["avx2"]);
    expect(x64("fpu sse2 avx avx2")).toEqual([]);
  });

  it("knows none where the system does not tell", () => {
    const fail = () => {
      throw new Error("no such file");
    };
    expect(processorsHere("x64", fail)).toEqual([]);
    expect(processorsHere("arm64", fail)).toEqual(["neon"]);
  });
});
