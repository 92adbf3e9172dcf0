import { type IncomingMessage, request } from "node:http";

export interface Answer {
  /** 0 if the connection ended without an answer. */
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface Message {
  method?: string;
  headers?: Record<string, string | number>;
  /** Sent in pieces, until the server answers. */
  body?: Buffer;
  /** Sends no Content-Length. */
  chunked?: boolean;
}

const PIECE_BYTES = 64 * 1024;
/** No request of an abuse lasts longer. */
const TIMEOUT_MS = 120_000;

/** Sends a request on a connection of its own, as a client does that goes on sending while it is refused. */
export function send(
  url: string,
  { method = "POST", headers, body, chunked }: Message = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const length = body && !chunked ? { "content-length": body.length } : {};
    const outgoing = request(url, { method, headers: { ...length, ...headers }, agent: false });
    const end = (status: number, answer?: IncomingMessage, parts: Buffer[] = []) => {
      clearTimeout(timer);
      outgoing.destroy();
      resolve({ status, headers: answer?.headers ?? {}, body: Buffer.concat(parts) });
    };
    const timer = setTimeout(() => end(0), TIMEOUT_MS);
    let isAnswered = false;
    outgoing.on("error", () => {
      if (!isAnswered) end(0);
    });
    outgoing.on("response", (answer) => {
      isAnswered = true;
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("close", () => end(answer.statusCode ?? 0, answer, parts));
    });
    const write = (from: number) => {
      if (isAnswered || outgoing.destroyed) return;
      const piece = body?.subarray(from, from + PIECE_BYTES);
      if (!piece || piece.length === 0) outgoing.end();
      else outgoing.write(piece, () => write(from + PIECE_BYTES));
    };
    write(0);
  });
}
