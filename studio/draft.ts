/** What is being put together for the next painting. */
export interface Draft {
  content: File | null;
  styles: File[];
  preset: string | null;
  /** Only what differs from the preset. */
  options: Record<string, unknown>;
}

export const EMPTY_DRAFT: Draft = { content: null, styles: [], preset: null, options: {} };

const STORE = "draft";

let opened: Promise<IDBDatabase> | undefined;

function openStore(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("nst-studio", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** The draft as it was before a reload; an empty one where the browser keeps nothing (private windows). */
export async function keptDraft(): Promise<Draft> {
  try {
    const store = await openStore();
    return await new Promise((resolve, reject) => {
      const request = store.transaction(STORE).objectStore(STORE).get(STORE);
      request.onsuccess = () => resolve({ ...EMPTY_DRAFT, ...request.result });
      request.onerror = () => reject(request.error);
    });
  } catch {
    return EMPTY_DRAFT;
  }
}

export async function keepDraft(draft: Draft): Promise<void> {
  try {
    const store = await openStore();
    store.transaction(STORE, "readwrite").objectStore(STORE).put(draft, STORE);
  } catch {
    // It is a convenience: without it a reload begins anew.
  }
}

/** A file's name without its ending, for people. */
export function nameOf(file: File): string {
  return file.name.replace(/\.[a-z0-9]+$/i, "").replace(/[_-]+/g, " ");
}
