import { setTimeout as sleep } from "node:timers/promises";
import { Gauge, type Registry } from "prom-client";
import type { Config } from "../../config.ts";
import type { BlobStore } from "../../storage/blob-store.ts";
import { freeBytes } from "../../storage/free-space.ts";

/** Shorter than Prometheus' default timeout of 10 s. */
const TIMEOUT_MS = 5_000;

/** Adds metrics of the blob store and of this process' disks. Returns a function that updates them. */
export function createStorageMetrics(
  registry: Registry,
  { storage, spoolDirectory }: Config,
  store: BlobStore,
): () => Promise<void> {
  const registers = [registry];
  const storeUp = new Gauge({
    ...{ name: "nst_store_up", help: "Whether pictures can be stored: 1 or 0.", registers },
  });
  const free = new Gauge({
    name: "nst_free_bytes",
    help: "Free space on the disk of uploads (spool), and of a filesystem blob store (store).",
    labelNames: ["folder"],
    registers,
  });
  const folders = {
    spool: spoolDirectory,
    ...(storage.type === "filesystem" && { store: storage.directory }),
  };
  return async () => {
    storeUp.set((await responds(store)) ? 1 : 0);
    for (const [folder, path] of Object.entries(folders)) {
      const bytes = await freeBytes(path);
      if (Number.isFinite(bytes)) free.set({ folder }, bytes);
      else free.remove({ folder });
    }
  };
}

async function responds(store: BlobStore): Promise<boolean> {
  const timer = new AbortController();
  const response = store.ping().then(
    () => true,
    () => false,
  );
  const timeout = sleep(TIMEOUT_MS, false, { signal: timer.signal }).catch(() => false);
  return await Promise.race([response, timeout]).finally(() => timer.abort());
}
