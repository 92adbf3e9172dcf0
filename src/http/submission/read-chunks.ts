import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";

/**
 * Yields the bytes of a body up to the limit of the route. Whoever stops early can still respond. Throws a `ProblemError`
 * if the body is larger, or if the client disconnects.
 */
export async function* readChunks({ raw, routeOptions }: FastifyRequest): AsyncGenerator<Buffer> {
  const { bodyLimit = 0 } = routeOptions;
  let bytes = 0;
  try {
    for await (const chunk of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bodyLimit) {
        throw new ProblemError(
          "request_too_large",
          `Expected a body of at most ${bodyLimit} bytes, received more`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    throw raw.destroyed ? new ProblemError("malformed_body", "The client disconnected") : error;
  }
}
