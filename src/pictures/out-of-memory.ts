/** Whether libvips, libheif, libaom or V8 says that it got no memory; each has words of its own for that. */
export function isOutOfMemory(error: unknown): boolean {
  return /out of memory|memory allocation|alloc(at(e|ing|ion))?\b.*fail|fail\w* to alloc|unable to alloc|cannot alloc/i.test(
    error instanceof Error ? error.message : String(error),
  );
}
