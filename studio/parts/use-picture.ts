import { useEffect, useState } from "preact/hooks";
import { useShared } from "../painter-context.ts";

/**
 * A picture of the service as a URL that an `img` can show; the key goes with the request, which an `img` cannot do.
 * The last picture stays until the next has come. `version` changes when there is a newer one at the same path.
 */
export function usePicture(path: string | undefined, version: string | number = 0): Shown {
  const { painter } = useShared();
  const [shown, setShown] = useState<Shown>(NOTHING);
  // The version says that there is something new to fetch
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    painter.picture(path, { signal: gone.signal }).then(
      (blob) => setShown({ blob, url: URL.createObjectURL(blob), failed: false }),
      () => {
        if (!gone.signal.aborted) setShown((before) => ({ ...before, failed: true }));
      },
    );
    return () => gone.abort();
  }, [painter, path, version]);
  useEffect(() => {
    const { url } = shown;
    return () => {
      if (url) setTimeout(() => URL.revokeObjectURL(url), 2_000);
    };
  }, [shown]);
  return shown;
}

export interface Shown {
  blob: Blob | null;
  url: string | null;
  failed: boolean;
}
const NOTHING: Shown = { blob: null, url: null, failed: false };
