import { resolve } from "node:path";
import { z } from "zod";
import { ROOT } from "../root.ts";

/** A whole number from `minimum` to `maximum`. */
export const integer = (defaultValue: number, minimum: number, maximum: number) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return defaultValue;
      const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (value >= minimum && value <= maximum) return value;
      context.addIssue({ code: "custom", message: `expected a whole number from ${minimum} to ${maximum}` });
      return z.NEVER;
    })
    .meta({ values: `${minimum} to ${maximum}` });

export const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .enum(values, { error: `expected one of ${values.join(", ")}` })
    .meta({ values: values.map((value) => `\`${value}\``).join(", ") });

export const folder = z.string().transform((path) => resolve(ROOT, path));

/** A path, or `random:<seed>:<divisor>` for random weights. */
export const weights = z
  .string()
  .transform((text) => (text.startsWith("random:") ? text : resolve(ROOT, text)));

/** Networks such as 10.1.0.0/16, separated by commas. */
export const cidrList = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(
    z.array(
      z.union([z.cidrv4(), z.cidrv6()], { error: "expected networks such as 10.1.0.0/16, with commas" }),
    ),
  );

/** Sites such as https://example.com, separated by commas. */
export const origins = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .refine((list) => list.every((one) => URL.canParse(one) && new URL(one).origin === one), {
    error: "expected sites such as https://example.com, with commas",
  });

export const redisUrl = z
  .string()
  .refine(isRedisUrl, {
    error:
      "expected redis://host:port, rediss://host:port, redis+cluster://host:port,host:port or a unix socket's path",
  })
  .refine((text) => !/^(redis|unix:\/\/:)/.test(text) || isDecodable(text), {
    error: "expected % in its user and password only before two hex digits (%25 for % itself)",
  });

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isRedisUrl(text: string): boolean {
  if (/^(unix:\/\/(:[^@/]+@)?)?\//.test(text)) return true;
  const [, cluster, rest = ""] = /^rediss?(\+cluster)?:\/\/(.*)$/.exec(text) ?? [];
  const nodes = cluster ? rest.split(",") : [rest];
  return nodes.every((node) => URL.canParse(`http://${node}`));
}

export const webUrl = z.url({ protocol: /^https?$/, error: "expected http://… or https://…" });

/** "" or a path that ends in "/". */
export const keyPrefix = z
  .string()
  .regex(/^\/?[\w.-]+(\/[\w.-]+)*\/?$/, "expected a path such as pictures/nst")
  .transform((path) => `${path.replace(/^\/|\/$/g, "")}/`);
