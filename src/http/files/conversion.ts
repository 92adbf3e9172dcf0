import { convertPicture, type Encoding } from "../../images/encode.ts";
import type { BlobStore } from "../../storage/blob-store.ts";

/** Pictures in other formats than they were painted in: made once, when first asked for, and kept beside them. */
export class Conversions {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(private readonly store: BlobStore) {}

  /** The key of the picture at `source` in another format. `folder` is the prefix of what belongs to its job. */
  async find(source: string, folder: string, encoding: Encoding): Promise<string> {
    const key = `${folder}converted/${encoding.format}-${encoding.quality}`;
    if (await this.store.stat(key)) return key;
    const already = this.underWay.get(key);
    const made = already ?? this.make(source, key, encoding);
    if (!already) {
      this.underWay.set(key, made);
      const forget = () => this.underWay.delete(key);
      made.then(forget, forget);
    }
    await made;
    return key;
  }

  private async make(source: string, key: string, encoding: Encoding): Promise<void> {
    await this.store.put(key, await convertPicture(await this.store.read(source), encoding));
  }
}
