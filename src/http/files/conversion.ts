import type { BlobStore } from "../../storage/blob-store.ts";

/** Pictures made from those of a job: once, when first asked for, and kept beside them. */
export class Conversions {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(private readonly store: BlobStore) {}

  /** The key of the picture `name` in a job's `folder`, which `make` makes where it is not there yet. */
  async find(folder: string, name: string, make: () => Promise<Uint8Array>): Promise<string> {
    const key = `${folder}converted/${name}`;
    if (await this.store.stat(key)) return key;
    const already = this.underWay.get(key);
    const made = already ?? this.put(key, make);
    if (!already) {
      this.underWay.set(key, made);
      const forget = () => this.underWay.delete(key);
      made.then(forget, forget);
    }
    await made;
    return key;
  }

  private async put(key: string, make: () => Promise<Uint8Array>): Promise<void> {
    await this.store.put(key, await make());
  }
}
