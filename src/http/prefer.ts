/** Seconds of `wait` in a `Prefer` header (RFC 7240, section 4.3), or null where it asks for none. */
export function preferredWait(header: string | string[] | undefined): number | null {
  const preferences = [header ?? []].flat().join(",").split(",");
  for (const preference of preferences) {
    const match = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*(;.*)?$/i.exec(preference);
    if (match) return Number(match[1]);
  }
  return null;
}
