import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * A signal that is aborted as soon as the response is sent or the client has disconnected, and from the beginning if that
 * has happened already. Both the response and the socket must be watched: the response to a request behind another on
 * the same connection has no socket yet, and never emits "close" if the connection is lost.
 */
export function endOf({ raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const end = () => {
    response.off("close", end);
    socket.off("close", end);
    controller.abort();
  };
  response.once("close", end);
  // A client may send any number of requests before it reads the first response.
  socket.setMaxListeners(0).once("close", end);
  if (response.closed || socket.destroyed) end();
  return controller.signal;
}
