import { ProblemError } from "../../contract/problems.ts";
import { Base64Decoder, Base64Error } from "./base64-decoder.ts";
import type { Spool, SpooledFile } from "./spool.ts";

/** Decodes a picture in base64 into the spool while it is read. Every method throws a `ProblemError`. */
export class PictureWriter {
  private readonly decoder = new Base64Decoder();

  private constructor(
    private readonly name: string,
    private readonly file: SpooledFile,
  ) {}

  /** @param name of the picture in problems */
  static async create(name: string, spool: Spool): Promise<PictureWriter> {
    return new PictureWriter(name, await spool.create(name));
  }

  async write(text: string): Promise<void> {
    await this.file.write(this.decode(() => this.decoder.decode(text)));
  }

  /** Writes the rest and returns the path of the file. */
  async end(): Promise<string> {
    await this.file.write(this.decode(() => this.decoder.end()));
    await this.close();
    return this.file.path;
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private decode(decode: () => Buffer): Buffer {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof Base64Error)) throw error;
      throw ProblemError.forField("invalid_request", this.name, "base64 (RFC 4648)", error.message);
    }
  }
}
