import fp from "fastify-plugin";
import type { ApiPlugin } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether the response is an HTML page. */
    page?: boolean;
  }
}

const COMMON = {
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
};

/** For data and pictures. */
const DATA = { ...COMMON, "content-security-policy": "default-src 'none'; frame-ancestors 'none'" };

/** For pages: only the service's own scripts; no other site may frame them. Whoever terminates TLS adds HSTS. */
const PAGE = {
  ...COMMON,
  "content-security-policy": [
    "default-src 'self'",
    "img-src 'self' data: blob:",
    "style-src 'self' 'unsafe-inline'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join(";"),
  "cross-origin-opener-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "x-dns-prefetch-control": "off",
  "x-permitted-cross-domain-policies": "none",
};

const securityHeaders: ApiPlugin = async (app) => {
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(request.routeOptions.config?.page ? PAGE : DATA);
    done();
  });
};

export default fp(securityHeaders, { name: "security-headers" });
