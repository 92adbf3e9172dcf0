interface MediaRange {
  type: string;
  quality: number;
}

/**
 * The media type of the response, or null if the client accepts none of those offered (RFC 9110, section 12.5.1). Between
 * types that the client accepts equally the order of `offered` decides. `*` is what Java sends for any type.
 */
export function negotiateMediaType(accept: string | undefined, offered: readonly string[]): string | null {
  if (accept === undefined || accept.trim() === "") return offered[0] ?? null;
  const ranges = accept.split(",").map(parseRange);
  let best: MediaRange | null = null;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > 0 && (best === null || quality > best.quality)) best = { type, quality };
  }
  return best?.type ?? null;
}

function parseRange(text: string): MediaRange {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, quality: Number.isFinite(quality) ? Math.min(1, Math.max(0, quality)) : 0 };
}

/** The quality of the most specific range that matches. */
function qualityOf(type: string, ranges: MediaRange[]): number {
  const [family] = type.split("/");
  for (const pattern of [type, `${family}/*`, "*/*", "*"]) {
    const found = ranges.find((range) => range.type === pattern);
    if (found) return found.quality;
  }
  return 0;
}
