import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";

/** Responds with 405 if the path has a route for other methods, otherwise with 404; in both cases before the body is read. */
const notFound: ApiPlugin = async (app) => {
  const routes: { methods: string[]; pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    // The CORS plugin answers preflight requests for every path.
    if (url === "*") return;
    const source = url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".*");
    routes.push({ methods: [method].flat(), pattern: new RegExp(`^${source}/?$`) });
  });
  const allowedMethods = (url: string): string[] => {
    const [path = ""] = url.split("?", 1);
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };

  const problem = (request: FastifyRequest, reply: FastifyReply): ProblemError => {
    const allowed = allowedMethods(request.url).join(", ");
    if (allowed === "") return new ProblemError("unknown_route", "There is no route with this path");
    reply.header("allow", allowed);
    const detail = `Expected the method ${allowed}, received ${request.method}`;
    return new ProblemError("method_not_allowed", detail);
  };

  app.addHook("onRequest", async (request, reply) => {
    if (request.is404) throw problem(request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    throw problem(request, reply);
  });
};

export default fp(notFound, { name: "not-found" });
