import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";
import { parseJson } from "../parse-json.ts";

/** The maximum size of a body, except on the routes that take pictures. */
export const BODY_LIMIT = 64 * 1024;

/**
 * The one gate of all bodies: rejects one that is too large, encoded or of another media type before it is read. The only
 * parser is that of JSON; routes that take pictures read their bodies themselves. An empty body counts as none, whatever
 * its media type: many clients send one.
 */
const bodies: ApiPlugin = async (app) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (_request: FastifyRequest, bytes: Buffer) => {
      if (bytes.length === 0) return undefined;
      try {
        return parseJson(bytes.toString());
      } catch (error) {
        throw malformed(error);
      }
    },
  );
  app.addHook("onRequest", async (request) => {
    if (["GET", "HEAD"].includes(request.method)) return;
    if (isEmpty(request)) {
      delete request.raw.headers["content-type"];
      return;
    }
    checkEncoding(request);
    checkMediaType(request);
    const { bodyLimit = BODY_LIMIT } = request.routeOptions;
    if (contentLength(request) <= bodyLimit) return;
    const detail = `Expected a body of at most ${bodyLimit} bytes, received ${contentLength(request)}`;
    throw new ProblemError("request_too_large", detail);
  });
};

export default fp(bodies, { name: "bodies" });

/** Turns a `SyntaxError` into the problem that the client sees. */
export function malformed(error: unknown): unknown {
  if (!(error instanceof SyntaxError)) return error;
  return new ProblemError("malformed_body", `Expected JSON: ${error.message.slice(0, 200)}`);
}

/** 0 for a chunked body, whose size is not known. */
export function contentLength({ headers }: FastifyRequest): number {
  return Number(headers["content-length"] ?? 0);
}

function isEmpty(request: FastifyRequest): boolean {
  return request.headers["transfer-encoding"] === undefined && contentLength(request) === 0;
}

function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() === "identity") return;
  const detail = `Expected a body without Content-Encoding, received ${encoding.slice(0, 80)}`;
  throw new ProblemError("unsupported_media_type", detail);
}

function checkMediaType({ mediaType, headers, routeOptions }: FastifyRequest): void {
  const expected = Object.keys(routeOptions.config.requestBodies ?? { "application/json": null });
  if (expected.includes(mediaType ?? "")) return;
  const received = headers["content-type"]?.slice(0, 80) ?? "no Content-Type";
  throw new ProblemError("unsupported_media_type", `Expected ${expected.join(" or ")}, received ${received}`);
}
