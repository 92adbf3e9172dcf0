import { describe, expect, it } from "@jest/globals";
import { formatTraceparent, newSpan, parseTraceparent } from "../src/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("A traceparent header", () => {
  it("is parsed, and a request gets a span of its own in the trace", () => {
    const parent = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
    expect(parent).toEqual({ traceId: TRACE, spanId: SPAN, flags: "01" });
    const span = newSpan(parent);
    expect(span).toMatchObject({ traceId: TRACE, flags: "01" });
    expect(span.spanId).not.toBe(SPAN);
    expect(parseTraceparent(formatTraceparent(span))).toEqual(span);
  });

  it("of a later version may have more fields", () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what`)?.traceId).toBe(TRACE);
  });

  it.each([
    ["nothing", undefined],
    ["no hex", `00-${TRACE.replace("4", "g")}-${SPAN}-01`],
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["an empty trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["an empty span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["the invalid version", `ff-${TRACE}-${SPAN}-01`],
    ["more fields than version 00 has", `00-${TRACE}-${SPAN}-01-what`],
    ["a long text", "0".repeat(10_000)],
  ])("is ignored if it is invalid: %s", (_, header) => {
    expect(parseTraceparent(header)).toBeNull();
    expect(newSpan(parseTraceparent(header)).traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });
});
