import { describe, expect, it } from "@jest/globals";
import { negotiateMediaType } from "../../../src/http/files/negotiate-media-type.ts";

const offered = ["image/png", "image/jpeg", "image/webp", "image/avif"];

describe("negotiateMediaType", () => {
  it.each([
    [undefined, "image/png"],
    ["", "image/png"],
    ["*/*", "image/png"],
    ["image/*", "image/png"],
    ["image/webp", "image/webp"],
    ["IMAGE/WEBP", "image/webp"],
    ["image/webp;q=0.5, image/jpeg;q=0.8", "image/jpeg"],
    ["image/png;q=0.1, image/*;q=0.9", "image/jpeg"],
    ["image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "image/png"],
    ["image/png;q=0, */*", "image/jpeg"],
    ["text/html, application/xhtml+xml, */*;q=0.8", "image/png"],
    ["text/html", null],
    ["image/png;q=0", null],
    ["image/gif", null],
    ["image/webp;q=nonsense", null],
  ])("for Accept %j returns %s", (accept, expected) => {
    expect(negotiateMediaType(accept, offered)).toBe(expected);
  });
});
