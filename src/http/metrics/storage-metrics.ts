import { setTimeout as sleep } from "node:timers/promises";
import type { Metric } from "prom-client";
import type { BlobStore } from "../../storage/blob-store.ts";
import { freeBytes } from "../../storage/free-space.ts";
import type { Dependencies } from "../dependencies.ts";
import { gauge } from "./read-metrics.ts";

/** A store that has not answered by then counts as away: whoever asks for the metrics waits for 10 s by default. */
const PATIENCE_MS = 5_000;

/** Whether pictures can be stored, and what room this process' disks have. */
export function storageMetrics({ config, store }: Pick<Dependencies, "config" | "store">): Metric[] {
  const { storage } = config;
  const folders = {
    spool: config.spoolDirectory,
    ...(storage.type === "filesystem" && { store: storage.directory }),
  };
  return [
    gauge({ name: "nst_store_up", help: "Whether pictures can be stored." }, async () => [
      { value: (await answers(store)) ? 1 : 0 },
    ]),
    gauge(
      {
        name: "nst_free_bytes",
        help: "Room on the disk of uploads (spool), and of pictures that are kept in a folder (store).",
      },
      async () => {
        const looked = Object.entries(folders).map(async ([folder, path]) => ({
          labels: { folder },
          value: await freeBytes(path),
        }));
        return (await Promise.all(looked)).filter(({ value }) => Number.isFinite(value));
      },
    ),
  ];
}

async function answers(store: BlobStore): Promise<boolean> {
  const late = new AbortController();
  const answer = store.ping().then(
    () => true,
    () => false,
  );
  const patience = sleep(PATIENCE_MS, false, { signal: late.signal }).catch(() => false);
  return await Promise.race([answer, patience]).finally(() => late.abort());
}
