import { parseArgs } from "node:util";
import { z } from "zod";
import { ownerSchema, SCOPES, scopeSchema } from "../contract/access.ts";
import type { Access } from "./access.ts";
import { type ApiKey, keyState } from "./api-key.ts";
import type { IssuedKey } from "./api-key-store.ts";

export const KEYS_USAGE = `keys create --owner NAME [--name TEXT] [--scopes submit,read,admin] [--expires 90d]
keys list [--owner NAME] [--json]
keys rotate ID [--grace 24h]
keys revoke ID
keys rotate-links [--grace 24h]

A key is shown once, on stdout. Its scopes are submit,read where none are named. A time is a number and one of
s, m, h, d; after a rotation the old key is good for the time of grace (0s: no more).`;

/** What was typed is not understood; the message says what was expected. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Output {
  /** The answer itself: a key, a list. */
  result: (line: string) => void;
  /** What a person wants to know beside it. */
  note: (line: string) => void;
}

/** Creates, lists, rotates and revokes keys. Throws a `UsageError`. */
export async function keysCommand(
  words: string[],
  { apiKeys: store, links }: Pick<Access, "apiKeys" | "links">,
  output: Output,
): Promise<void> {
  const { flags, positionals } = parse(words);
  const [action, id = "", ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected at most one id, received ${positionals.length - 1}`);
  switch (action) {
    case "create": {
      const scopes = (flags.scopes ?? "submit,read").split(",").map((scope) => scope.trim());
      const issued = await store.create({
        owner: check(ownerSchema, flags.owner, "--owner"),
        name: flags.name ?? "",
        scopes: check(z.array(scopeSchema), scopes, `--scopes (${SCOPES.join(", ")})`),
        lifetimeMs: flags.expires === undefined ? null : duration(flags.expires, "--expires"),
      });
      return show(issued, output, "It is shown only now.");
    }
    case "rotate": {
      const graceMs = duration(flags.grace ?? "24h", "--grace");
      const issued = await store.rotate(id, graceMs);
      if (!issued) throw new UsageError(`expected the id of an active key, received ${JSON.stringify(id)}`);
      const [, before] = issued.key.secrets;
      return show(issued, output, before ? `The one before is good until ${before.until}.` : "");
    }
    case "revoke": {
      const key = await store.revoke(id);
      if (!key) throw new UsageError(`expected the id of a key, received ${JSON.stringify(id)}`);
      return output.note(`The key ${key.id} of ${key.owner} is revoked.`);
    }
    case "list": {
      const all = await store.list();
      const keys = all.filter(({ owner }) => flags.owner === undefined || owner === flags.owner);
      if (flags.json) return output.result(JSON.stringify(keys.map(publicView)));
      if (keys.length === 0) output.note("There are no keys.");
      for (const line of table(keys.map(publicView))) output.result(line);
      return;
    }
    case "rotate-links": {
      const grace = flags.grace ?? "24h";
      await links.rotate(duration(grace, "--grace"));
      return output.note(
        `Links are signed with another secret; those given before are good for ${grace} more at most.`,
      );
    }
    default:
      throw new UsageError(
        `expected create, list, rotate, revoke or rotate-links, received ${action ?? "nothing"}`,
      );
  }
}

function parse(words: string[]) {
  const text = { type: "string" } as const;
  const options = { owner: text, name: text, scopes: text, expires: text, grace: text };
  try {
    const { values, positionals } = parseArgs({
      args: words,
      options: { ...options, json: { type: "boolean" } },
      allowPositionals: true,
    });
    return { flags: values, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function check<Value>(schema: z.ZodType<Value>, given: unknown, name: string): Value {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${name}: ${parsed.error.issues[0]?.message}, received ${JSON.stringify(given)}`);
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90d` as milliseconds. */
function duration(text: string, name: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count && unit) return Number(count) * UNITS[unit as keyof typeof UNITS];
  throw new UsageError(`${name}: expected a time such as 90d, 24h or 0s, received ${JSON.stringify(text)}`);
}

function show({ key, text }: IssuedKey, output: Output, note: string): void {
  const until = key.expires_at === null ? "" : `, until ${key.expires_at}`;
  output.note(`Key ${key.id} of ${key.owner}, for ${key.scopes.join(", ")}${until}. ${note}`.trim());
  output.result(text);
}

/** A key without its digests. */
function publicView(key: ApiKey) {
  const { secrets, ...view } = key;
  return { ...view, state: keyState(key) };
}

function table(keys: ReturnType<typeof publicView>[]): string[] {
  if (keys.length === 0) return [];
  const head = ["id", "owner", "scopes", "state", "created", "expires", "name"];
  const rows = keys.map((key) => [
    ...[key.id, key.owner, key.scopes.join(","), key.state, key.created_at.slice(0, 10)],
    ...[key.expires_at?.slice(0, 10) ?? "never", key.name],
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
