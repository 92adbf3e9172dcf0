/** What files are that people take for pictures, by their first bytes in hexadecimal. */
const BY_BYTES: [start: RegExp, name: string][] = [
  [/^47494638/, "a GIF file"],
  [/^(4949|4d4d)(2a00|002a|2b00|002b)/, "a TIFF file"],
  [/^424d/, "a BMP file"],
  [/^38425053/, "a Photoshop file"],
  [/^ff0a|^0000000c4a584c20/, "a JPEG XL file"],
  [/^0000000c6a502020/, "a JPEG 2000 file"],
  [/^00000100/, "an icon (ICO)"],
  [/^(504b0304|52617221|377abcaf)/, "an archive"],
  [/^1f8b/, "a gzip file"],
];
const BY_TEXT: [start: RegExp, name: string][] = [
  [/^%PDF/, "a PDF file"],
  [/^....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)/s, "a HEIC file"],
  [/^....ftyp(isom|iso[2-9]|mp4|M4V|avc1|qt)/s, "a video"],
  [/^\s*<(!doctype html|html)/i, "an HTML page"],
  [/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg/is, "an SVG file"],
  [/^\s*<\?xml/i, "an XML file"],
  [/^\s*[[{]\s*["\]}[{]/, "JSON"],
  [/^[\s!-~]+$/, "a text"],
];

/** Names a file that is not supported, by its first bytes. */
export function nameFileType(head: Uint8Array): string {
  const hex = Buffer.from(head).toString("hex");
  const text = Buffer.from(hex.replace(/^efbbbf/, ""), "hex").toString("latin1");
  const matches = (value: string) => (signature: [RegExp, string]) => signature[0].test(value);
  const found = BY_BYTES.find(matches(hex)) ?? BY_TEXT.find(matches(text));
  return found?.[1] ?? `a file that starts with ${hex.slice(0, 16)}`;
}
