import { ProblemError } from "../../contract/problems.ts";
import { BODY_LIMIT } from "../plugins/bodies.ts";
import { PICTURE_FIELDS, type PictureField } from "./parsed-submission.ts";

/** Where a picture of a body is: its field, and its place in the field's list. */
export interface PicturePlace {
  field: PictureField;
  index: number;
}

/** A part of a picture's text in base64: its beginning, some of it, or its end. */
export type PicturePiece = { start: PicturePlace } | { text: string } | "end";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DATA_URI = "data:";

/**
 * Separates the pictures of a JSON body from the rest while the body is read, so that no picture is held in memory. In
 * the rest, which may have `BODY_LIMIT` bytes, a number replaces each picture: `{"base64":"0"}`, or `{"url":"data:0"}`
 * for a `data:` URI. The rest is parsed as JSON afterwards; the scanner only finds strings, keys and nesting.
 */
export class JsonScanner {
  private readonly bytes = Buffer.alloc(BODY_LIMIT);
  private length = 0;
  private pictures = 0;
  private depth = 0;
  private state: "outside" | "string" | "picture" = "outside";
  private stringStart = 0;
  /** The part of an escape sequence that has been read; empty outside of one. */
  private escape = "";
  /** The latest string, which is a key if a colon follows it. */
  private lastString = "";
  private key = "";
  private place: PicturePlace | null = null;

  /** The body without its pictures. */
  get rest(): string {
    return this.bytes.toString("utf8", 0, this.length);
  }

  /** Reads on. Throws a `ProblemError` if the rest is too large. */
  *scan(chunk: Buffer): Generator<PicturePiece> {
    let text = "";
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.state === "outside") {
        if (byte === QUOTE && this.place && this.key === "base64") yield* this.startPicture(this.place, "");
        else this.scanOutside(byte);
      } else if (this.state === "string") {
        this.scanString(byte);
        if (this.place && this.isDataUri()) yield* this.startPicture(this.place, DATA_URI);
      } else if (this.escape !== "" || byte === BACKSLASH) text += this.unescape(byte);
      else if (byte === QUOTE) {
        yield { text };
        yield "end";
        text = "";
        this.endPicture();
      } else {
        const start = at;
        while (at + 1 < chunk.length && chunk[at + 1] !== QUOTE && chunk[at + 1] !== BACKSLASH) at += 1;
        text += chunk.toString("latin1", start, at + 1);
      }
    }
    if (text !== "") yield { text };
  }

  private scanOutside(byte: number): void {
    this.keep(byte);
    const character = String.fromCharCode(byte);
    if (byte === QUOTE) {
      this.state = "string";
      this.stringStart = this.length;
    } else if (character === "{" || character === "[") {
      this.depth += 1;
      this.key = "";
    } else if (character === "}" || character === "]") this.depth -= 1;
    else if (character === ":") {
      this.key = this.lastString;
      if (this.depth === 1) this.place = isPictureField(this.key) ? { field: this.key, index: 0 } : null;
    } else if (character === "," && this.depth === 2 && this.place) {
      // Also between the fields of a picture that is not in a list; then the index has no meaning.
      this.place = { ...this.place, index: this.place.index + 1 };
    }
    if (character === ",") this.key = "";
  }

  private scanString(byte: number): void {
    this.keep(byte);
    if (this.escape !== "") this.escape = "";
    else if (byte === BACKSLASH) this.escape = "\\";
    else if (byte === QUOTE) {
      this.state = "outside";
      this.lastString = parseString(this.bytes.toString("utf8", this.stringStart, this.length - 1));
    }
  }

  /** Whether the current string is the `url` of a picture and begins as a `data:` URI. */
  private isDataUri(): boolean {
    if (this.key !== "url" || this.length - this.stringStart !== DATA_URI.length) return false;
    return this.bytes.toString("latin1", this.stringStart, this.length).toLowerCase() === DATA_URI;
  }

  private *startPicture(place: PicturePlace, read: string): Generator<PicturePiece> {
    if (this.state === "outside") this.keep(QUOTE);
    this.state = "picture";
    this.keepText(String(this.pictures));
    yield { start: place };
    if (read !== "") yield { text: read };
  }

  private endPicture(): void {
    this.keep(QUOTE);
    this.pictures += 1;
    this.state = "outside";
  }

  /** The character that an escape sequence stands for; empty while it is incomplete. */
  private unescape(byte: number): string {
    this.escape += String.fromCharCode(byte);
    if (this.escape === "\\" || (this.escape.startsWith("\\u") && this.escape.length < 6)) return "";
    const complete = this.escape;
    this.escape = "";
    return parseString(complete);
  }

  private keepText(text: string): void {
    for (const byte of Buffer.from(text)) this.keep(byte);
  }

  private keep(byte: number): void {
    if (this.length === this.bytes.length) {
      const detail = `Expected at most ${BODY_LIMIT} bytes of JSON besides the pictures, received more`;
      throw new ProblemError("request_too_large", detail);
    }
    this.bytes[this.length] = byte;
    this.length += 1;
  }
}

const isPictureField = (name: string): name is PictureField =>
  (PICTURE_FIELDS as readonly string[]).includes(name);

/** The text of a JSON string without its quotes. Throws a `SyntaxError`. */
function parseString(text: string): string {
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}
