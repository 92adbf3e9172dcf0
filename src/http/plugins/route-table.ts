import type { App } from "../dependencies.ts";

interface Route {
  methods: string[];
  pattern: RegExp;
}

/** Collects the routes that are added from here on. */
export function rememberRoutes(app: App): Route[] {
  const routes: Route[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const source = url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".*");
    routes.push({ methods: [method].flat(), pattern: new RegExp(`^${source}/?$`) });
  });
  return routes;
}

/** The methods that the route at this path knows; none where there is no route. */
export function allowedMethods(routes: Route[], url: string): string[] {
  const path = url.split("?", 1)[0] ?? "";
  const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
  return [...new Set(methods)].sort();
}
