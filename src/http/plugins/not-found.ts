import fp from "fastify-plugin";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";
import { sendProblem } from "../problem-response.ts";

/** Responds with 405 if the path has a route for other methods, otherwise with 404. */
const notFound: ApiPlugin = async (app) => {
  const routes: { methods: string[]; pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const source = url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".*");
    routes.push({ methods: [method].flat(), pattern: new RegExp(`^${source}/?$`) });
  });
  const allowedMethods = (url: string): string[] => {
    const [path = ""] = url.split("?", 1);
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };

  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(request.url).join(", ");
    if (allowed === "") {
      return sendProblem(
        request,
        reply,
        new ProblemError("unknown_route", "There is no route with this path"),
      );
    }
    reply.header("allow", allowed);
    const detail = `Expected the method ${allowed}, received ${request.method}`;
    return sendProblem(request, reply, new ProblemError("method_not_allowed", detail));
  });
};

export default fp(notFound, { name: "not-found" });
