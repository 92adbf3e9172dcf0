/** The longest beginning of a `data:` URI, up to its comma (RFC 2397). */
const MAX_PREFIX = 200;

/** Not base64; the message says what was received. */
export class Base64Error extends Error {
  override readonly name = "Base64Error";
}

/**
 * Decodes base64 that arrives in pieces: also without padding, with line breaks (MIME), with the alphabet for URLs, and
 * as a `data:` URI (RFC 4648, RFC 2045, RFC 2397). Throws a `Base64Error`.
 */
export class Base64Decoder {
  private rest = "";
  private isStarted = false;
  private isPadded = false;
  private isEmpty = true;

  decode(text: string): Buffer {
    this.rest += text.replace(/[\t\n\r ]+/g, "");
    if (!this.isStarted && !this.skipPrefix()) return Buffer.alloc(0);
    if (this.isPadded && /[^=]/.test(this.rest)) throw new Base64Error("text after the padding");
    if (/[^A-Za-z0-9+/_=-]|=[^=]/.test(this.rest)) throw new Base64Error("another character");
    this.isPadded ||= this.rest.includes("=");
    const whole = this.rest.length - (this.rest.length % 4);
    const bytes = Buffer.from(this.rest.slice(0, whole), "base64");
    this.rest = this.rest.slice(whole);
    if (bytes.length > 0) this.isEmpty = false;
    return bytes;
  }

  /** The last bytes. */
  end(): Buffer {
    if (/^data:/i.test(this.rest) && !this.isStarted) throw new Base64Error("a data: URI without ;base64");
    this.isStarted = true;
    const bytes = Buffer.concat([this.decode(""), Buffer.from(this.rest, "base64")]);
    if (this.isEmpty && bytes.length === 0) throw new Base64Error("an empty text");
    if (this.rest.replace(/=+$/, "").length === 1) throw new Base64Error("an incomplete text");
    return bytes;
  }

  /** Skips the beginning of a `data:` URI. Returns false if more text is needed to decide. */
  private skipPrefix(): boolean {
    const start = this.rest.slice(0, 5).toLowerCase();
    if ("data:".startsWith(start) && start !== "data:") return false;
    if (start === "data:") {
      const comma = this.rest.indexOf(",");
      if (comma < 0 && this.rest.length < MAX_PREFIX) return false;
      if (!/;base64$/i.test(this.rest.slice(0, Math.max(0, comma))))
        throw new Base64Error("a data: URI without ;base64");
      this.rest = this.rest.slice(comma + 1);
    }
    this.isStarted = true;
    return true;
  }
}
