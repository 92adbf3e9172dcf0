import { parseArgs } from "node:util";
import { z } from "zod";
import { ownerSchema, SCOPES, scopeSchema } from "../contract/auth.ts";
import { type ApiKey, keyState } from "./api-key.ts";
import type { ApiKeyStore, IssuedKey } from "./api-key-store.ts";
import type { SignedLinks } from "./signed-links.ts";

export const KEYS_USAGE = `keys create --owner NAME [--name TEXT] [--scopes submit,read,admin] [--expires 90d]
keys list [--owner NAME] [--json]
keys rotate ID [--grace 24h]
keys revoke ID
keys rotate-links [--grace 24h]

Prints a new key once, on stdout. The default scopes are submit,read. A duration is a number with the unit s, m, h or d.
After a rotation the old key stays valid for the grace period (0s: it ends at once).`;

/** The arguments are wrong; the message says what was expected. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Output {
  /** The command's result: a key or a list, on stdout. */
  result: (line: string) => void;
  /** Information for people, on stderr. */
  note: (line: string) => void;
}

/** Creates, lists, rotates and revokes keys. Throws a `UsageError`. */
export async function keysCommand(
  args: string[],
  { apiKeys, signedLinks }: { apiKeys: ApiKeyStore; signedLinks: SignedLinks },
  output: Output,
): Promise<void> {
  const { flags, positionals } = parseArguments(args);
  const [action, id = "", ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected at most one id, received ${positionals.length - 1}`);
  switch (action) {
    case "create": {
      const scopes = (flags.scopes ?? "submit,read").split(",").map((scope) => scope.trim());
      const issued = await apiKeys.create({
        owner: check(ownerSchema, flags.owner, "--owner"),
        name: flags.name ?? "",
        scopes: check(z.array(scopeSchema), scopes, `--scopes (${SCOPES.join(", ")})`),
        lifetimeMs: flags.expires === undefined ? null : duration(flags.expires, "--expires"),
      });
      return show(issued, output, "It is not shown again.");
    }
    case "rotate": {
      const graceMs = duration(flags.grace ?? "24h", "--grace");
      const issued = await apiKeys.rotate(id, graceMs);
      if (!issued) throw new UsageError(`expected the id of an active key, received ${JSON.stringify(id)}`);
      const [, old] = issued.key.secrets;
      return show(issued, output, old ? `The old key stays valid until ${old.until}.` : "");
    }
    case "revoke": {
      const key = await apiKeys.revoke(id);
      if (!key) throw new UsageError(`expected the id of a key, received ${JSON.stringify(id)}`);
      return output.note(`Revoked key ${key.id} of ${key.owner}.`);
    }
    case "list": {
      const all = await apiKeys.list();
      const keys = all.filter(({ owner }) => flags.owner === undefined || owner === flags.owner);
      if (flags.json) return output.result(JSON.stringify(keys.map(publicView)));
      if (keys.length === 0) output.note("No keys found.");
      for (const line of table(keys.map(publicView))) output.result(line);
      return;
    }
    case "rotate-links": {
      const grace = flags.grace ?? "24h";
      await signedLinks.rotate(duration(grace, "--grace"));
      return output.note(
        `Rotated the secret of signed links. Existing links stay valid for at most ${grace}.`,
      );
    }
    default:
      throw new UsageError(
        `expected create, list, rotate, revoke or rotate-links, received ${action ?? "nothing"}`,
      );
  }
}

function parseArguments(args: string[]) {
  const text = { type: "string" } as const;
  const options = { owner: text, name: text, scopes: text, expires: text, grace: text };
  try {
    const { values, positionals } = parseArgs({
      args,
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
  throw new UsageError(
    `${name}: expected a duration such as 90d, 24h or 0s, received ${JSON.stringify(text)}`,
  );
}

function show({ key, text }: IssuedKey, output: Output, note: string): void {
  const until = key.expires_at === null ? "" : `, valid until ${key.expires_at}`;
  output.note(
    `Key ${key.id} of ${key.owner} with the scopes ${key.scopes.join(", ")}${until}. ${note}`.trim(),
  );
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
