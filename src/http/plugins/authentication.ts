import type { FastifyContextConfig, FastifyReply, FastifyRequest } from "fastify";
import type { LinkSignature } from "../../auth/signed-links.ts";
import { LOCAL_OWNER, SCOPES, type Scope } from "../../contract/auth.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { openMode, refuseUninvited } from "../open-mode.ts";
import { problemResponses } from "../openapi/problem-responses.ts";

/** Who asks, and what they may do. */
export interface Caller {
  /** Whose jobs these are: nobody else's are there for this caller. Empty for the holder of a link. */
  owner: string;
  scopes: readonly Scope[];
  /** The key's id; null without a key. */
  key: string | null;
  /** The one job that a signed link lets its holder see. */
  link: string | null;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a key must allow for this route; `public`: no key is asked for. Every route says it. */
    scope?: Scope | "public";
    /**
     * The key may also come as the password of HTTP's Basic scheme, which browsers ask for by themselves. Only for pages that
     * change nothing: a browser sends it along whoever makes it ask.
     */
    basic?: boolean;
    /** Whether a signed link may lead here. */
    linkable?: boolean;
  }
  interface FastifyInstance {
    /** What holds for all routes of a plugin that is not ours and cannot state it. They stay out of the description. */
    everyRoute: FastifyContextConfig;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

const NOBODY: Caller = { owner: "", scopes: [], key: null, link: null };
const HOLDER: Caller = { owner: "", scopes: ["read"], key: null, link: null };
const LOCAL: Caller = { owner: LOCAL_OWNER, scopes: SCOPES, key: null, link: null };

/** The signature that a request's query holds, and what it is to be for; null where it holds none. */
function signedLink(request: FastifyRequest): (LinkSignature & { path: string; job: string }) | null {
  const { expires, signature } = request.query as Record<string, unknown>;
  if (typeof signature !== "string") return null;
  const [path = ""] = request.url.split("?", 1);
  const [, job = ""] = /^\/v1\/jobs\/([^/]+)\//.exec(path) ?? [];
  return { path, job, expires: Number(expires), signature };
}

/**
 * Finds out who asks, and refuses what they may not do, before anything else of a request is read. Holds for all
 * routes that are added from here on; one that does not state its scope cannot be added.
 */
export function authenticate(app: App, { apiKeys, signedLinks, config }: Dependencies): void {
  const { open } = openMode(config);
  app.decorateRequest("caller", null as unknown as Caller);

  app.addHook("onRoute", function (route) {
    if (this.hasDecorator("everyRoute")) {
      route.config = { ...route.config, ...this.everyRoute };
      route.schema = { ...route.schema, hide: true };
    }
    const scope = route.config?.scope;
    if (scope === undefined)
      throw new Error(`${route.method} ${route.url}: state \`scope\` in the route's config`);
    if (scope === "public" || route.schema?.hide) return;
    const { schema } = route;
    if (!schema) return;
    schema.security = [{ key: [scope] }, ...(route.config?.linkable ? [{}] : [])];
    schema.response = {
      ...problemResponses(
        "unauthorized",
        "forbidden",
        ...(route.config?.linkable ? (["invalid_link"] as const) : []),
        "rate_limited",
      ),
      ...(schema.response as object),
    };
  });

  const callerOf = (
    request: FastifyRequest,
    reply: FastifyReply,
    route: FastifyContextConfig,
  ): Caller | Promise<Caller> => {
    const link = route.linkable ? signedLink(request) : null;
    if (link) return holderOf(link);
    // Where everybody is let in, running the service still takes a key.
    const isOpen = open && (route.scope !== "admin" || config.openMode === "loopback");
    if (request.headers.authorization !== undefined || !isOpen) return ownerOfKey(request, reply, route);
    refuseUninvited(request, config);
    return LOCAL;
  };

  const holderOf = async (link: NonNullable<ReturnType<typeof signedLink>>): Promise<Caller> => {
    if (await signedLinks.verify(link.path, link)) return { ...HOLDER, link: link.job };
    throw new ProblemError("invalid_link", "Expected a link as it was given, whose time is not over");
  };

  const ownerOfKey = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { basic: withBasic }: FastifyContextConfig,
  ): Promise<Caller> => {
    const { authorization } = request.headers;
    const basic = withBasic && (request.method === "GET" || request.method === "HEAD");
    const [, text] =
      /^Bearer ([^\s]{1,200})$/i.exec(authorization ?? "") ?? (basic ? basicPassword(authorization) : []);
    const key = text === undefined ? null : await apiKeys.authenticate(text);
    if (key) return { owner: key.owner, scopes: key.scopes, key: key.id, link: null };
    const error = authorization === undefined ? "" : ', error="invalid_token"';
    const scheme = basic ? 'Basic realm="nst: any name, and a key with the scope admin as password"' : "";
    reply.header("www-authenticate", scheme || `Bearer realm="nst"${error}`);
    const received = authorization === undefined ? "none" : "one that is not, or no longer, good";
    throw new ProblemError(
      "unauthorized",
      `Expected a key (Authorization: Bearer nst_…), received ${received}`,
    );
  };

  const letIn = (caller: Caller, scope: Scope, request: FastifyRequest, reply: FastifyReply): void => {
    request.caller = caller;
    if (caller.key !== null) {
      request.log = request.log.child({ owner: caller.owner, key: caller.key });
      reply.log = request.log;
    }
    if (!caller.scopes.includes(scope)) {
      const detail = `Expected a key with the scope ${scope}, received one with ${caller.scopes.join(", ") || "none"}`;
      throw new ProblemError("forbidden", detail);
    }
  };

  // Not async: of an open service nothing is waited for here, and promises would cost each request their time.
  app.addHook("onRequest", (request, reply, done) => {
    request.caller = NOBODY;
    const { config: route } = request.routeOptions;
    const { scope } = route;
    if (request.is404 || scope === undefined || scope === "public") return done();
    const caller = callerOf(request, reply, route);
    if (caller instanceof Promise) {
      caller
        .then((one) => letIn(one, scope, request, reply))
        .then(
          () => done(),
          (error) => done(error),
        );
      return;
    }
    letIn(caller, scope, request, reply);
    done();
  });
}

/** As a regular expression's match: the password is the second (RFC 7617). */
function basicPassword(authorization: string | undefined): string[] {
  const [, encoded = ""] = /^Basic ([A-Za-z0-9+/=]{1,400})$/i.exec(authorization ?? "") ?? [];
  return /^[^:]*:([^\s]{1,200})$/.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? [];
}
