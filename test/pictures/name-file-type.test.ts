import { describe, expect, it } from "@jest/globals";
import { nameFileType } from "../../src/pictures/name-file-type.ts";

describe("A file that is not supported is named", () => {
  it.each([
    ["GIF89a\x01\0", "a GIF file"],
    ["II*\0\x08\0", "a TIFF file"],
    ["MM\0*\0\0", "a TIFF file"],
    ["BM\x36\x10", "a BMP file"],
    ["%PDF-1.7", "a PDF file"],
    ["\0\0\0\x18ftypheic\0\0\0\0", "a HEIC file"],
    ["\0\0\0\x20ftypisom\0\0", "a video"],
    ["\xff\x0a\x41", "a JPEG XL file"],
    ["PK\x03\x04\x14", "an archive"],
    ["\n<!DOCTYPE html><html>", "an HTML page"],
    ["<html lang='en'>", "an HTML page"],
    ["<svg xmlns='http://www.w3.org/2000/svg'>", "an SVG file"],
    ["<?xml version='1.0'?>\n<svg width='8'>", "an SVG file"],
    ["<?xml version='1.0'?><rss>", "an XML file"],
    ['{"error":"not found"}', "JSON"],
    ["Not Found", "a text"],
    ["\x01\x02\x03", "a file that starts with 010203"],
  ])("%j is %s", (start, name) => {
    expect(nameFileType(Buffer.from(start, "latin1"))).toBe(name);
  });
});
