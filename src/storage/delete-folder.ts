import type { BlobStore } from "./blob-store.ts";

/** Deletes every blob whose key begins with `folder`, a name and "/". */
export async function deleteFolder(store: BlobStore, folder: string): Promise<void> {
  for await (const { key } of store.list(folder)) await store.delete(key);
}
