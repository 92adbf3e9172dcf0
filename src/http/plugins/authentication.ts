import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { checkAnonymousRequest, decideAnonymousAccess } from "../../auth/anonymous-access.ts";
import type { LinkSignature } from "../../auth/signed-links.ts";
import { LOCAL_OWNER, SCOPES, type Scope } from "../../contract/auth.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";
import { problemResponses } from "../openapi/problem-responses.ts";

/** Who sent a request, and what they may do. */
interface Caller {
  /** The caller sees this owner's jobs only. Empty for signed links and public routes. */
  owner: string;
  scopes: readonly Scope[];
  /** The id of the API key; null without a key. */
  key: string | null;
  /** The id of the only job that a signed link gives access to; null without a signed link. */
  link: string | null;
  /** Whether the key is still valid, for responses that take long. */
  isStillAllowed: () => Promise<boolean>;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The scope that a key needs for this route; `public`: no key is needed. Every route must declare it. */
    scope?: Scope | "public";
    /** Whether the key may be the password of HTTP Basic, which browsers ask for and then send by themselves. GET only. */
    basicAuth?: boolean;
    /** Whether signed links give access to this route. */
    signedLinks?: boolean;
  }
  interface FastifyInstance {
    /** The config of all routes of a third-party plugin; they do not appear in openapi.yaml. */
    routeDefaults: FastifyContextConfig;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

const WITHOUT_KEY = { key: null, link: null, isStillAllowed: async () => true };
const UNAUTHENTICATED: Caller = { owner: "", scopes: [], ...WITHOUT_KEY };
const ANONYMOUS: Caller = { owner: LOCAL_OWNER, scopes: SCOPES, ...WITHOUT_KEY };

/** Authenticates requests and checks their scope before anything else is read. */
const authentication: ApiPlugin = async (app, { apiKeys, signedLinks, config }) => {
  const { isAllowed } = decideAnonymousAccess(config);

  app.addHook("onRoute", function (route) {
    if (this.hasDecorator("routeDefaults")) {
      route.config = { ...route.config, ...this.routeDefaults };
      route.schema = { ...route.schema, hide: true };
    }
    const { scope, signedLinks: isLinkable } = route.config ?? {};
    if (scope === undefined) throw new Error(`${route.method} ${route.url} does not declare its scope`);
    if (!route.schema || route.schema.hide) return;
    route.schema.security = []; // says that it needs no key
    if (scope === "public") return;
    route.schema.security = [{ key: [scope] }, ...(isLinkable ? [{}] : [])];
    route.schema.response = {
      ...problemResponses("unauthorized", "forbidden", "rate_limited"),
      ...(isLinkable && problemResponses("forbidden", "invalid_link")),
      ...(route.schema.response as object),
    };
  });

  const authenticate = async (request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
    const { scope, basicAuth, signedLinks: isLinkable } = request.routeOptions.config;
    const link = isLinkable ? parseSignedLink(request) : null;
    if (link) {
      if (await signedLinks.verify(link.path, link.query, link))
        return { ...UNAUTHENTICATED, scopes: ["read"], link: link.job };
      throw new ProblemError("invalid_link", "Expected an unchanged link that has not expired");
    }
    // Anonymous access from everywhere does not include administration.
    const needsKey = !isAllowed || (scope === "admin" && config.anonymousAccess !== "loopback");
    if (request.headers.authorization === undefined && !needsKey) {
      checkAnonymousRequest(request, config);
      return ANONYMOUS;
    }
    return await authenticateKey(
      request,
      reply,
      basicAuth === true && ["GET", "HEAD"].includes(request.method),
    );
  };

  const authenticateKey = async (
    request: FastifyRequest,
    reply: FastifyReply,
    allowBasic: boolean,
  ): Promise<Caller> => {
    const { authorization } = request.headers;
    const text = bearerToken(authorization) ?? (allowBasic ? basicPassword(authorization) : undefined);
    const key = text === undefined ? null : await apiKeys.authenticate(text);
    if (key && text !== undefined) {
      const isStillAllowed = async () => (await apiKeys.authenticate(text)) !== null;
      return { owner: key.owner, scopes: key.scopes, key: key.id, link: null, isStillAllowed };
    }
    const error = authorization === undefined ? "" : ', error="invalid_token"';
    const basic = 'Basic realm="nst: any user name, and an API key with the scope admin as the password"';
    reply.header("www-authenticate", allowBasic ? basic : `Bearer realm="nst"${error}`);
    const received = authorization === undefined ? "no key" : "an invalid, expired or revoked key";
    throw new ProblemError(
      "unauthorized",
      `Expected an API key (Authorization: Bearer nst_…), received ${received}`,
    );
  };

  app.decorateRequest("caller", null as never);
  app.addHook("onRequest", async (request, reply) => {
    request.caller = UNAUTHENTICATED;
    const { scope } = request.routeOptions.config;
    if (request.is404 || scope === undefined || scope === "public") return;
    request.caller = await authenticate(request, reply);
    if (request.caller.key !== null) {
      request.log = request.log.child({ owner: request.caller.owner, key: request.caller.key });
      reply.log = request.log;
    }
    requireScope(request.caller, scope);
  });
};

export default fp(authentication, { name: "authentication" });

function requireScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.includes(scope)) return;
  const received = scopes.join(", ") || "no scopes";
  throw new ProblemError(
    "forbidden",
    `Expected a key with the scope ${scope}, received one with ${received}`,
  );
}

interface SignedLink extends LinkSignature {
  path: string;
  query: Record<string, string>;
  job: string;
}

/** The signature in the query, and the path, the other parameters and the job that it must be for; null without a signature. */
function parseSignedLink(request: FastifyRequest): SignedLink | null {
  const { expires, signature, ...given } = request.query as Record<string, unknown>;
  if (typeof signature !== "string") return null;
  const query = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  // An id in upper case is the same.
  const path = (request.url.split("?", 1)[0] ?? "").toLowerCase();
  const [, job = ""] = /^\/v1\/jobs\/([^/]+)\//.exec(path) ?? [];
  return { path, query, job, expires: Number(expires), signature };
}

function bearerToken(authorization = ""): string | undefined {
  return /^Bearer ([^\s]{1,200})$/i.exec(authorization)?.[1];
}

/** The password of HTTP's Basic scheme (RFC 7617). */
function basicPassword(authorization = ""): string | undefined {
  const [, encoded = ""] = /^Basic ([A-Za-z0-9+/=]{1,400})$/i.exec(authorization) ?? [];
  return /^[^:]*:([^\s]{1,200})$/.exec(Buffer.from(encoded, "base64").toString("utf8"))?.[1];
}
