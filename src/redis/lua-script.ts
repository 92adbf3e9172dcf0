import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Redis } from "ioredis";

const INCLUDE = /^-- @include "(.+)"$/gm;

/**
 * An operation in Lua, in a file of its own. Redis runs a script as one step. The script reads `arguments` with
 * `cjson.decode(ARGV[1])` and `values` from ARGV[2] on; `-- @include "file"` inserts another file.
 */
export class LuaScript<Keys extends string[], Arguments extends object, Result> {
  private readonly command: string;

  constructor(private readonly path: string) {
    this.command = `nst:${basename(path, ".lua")}`;
  }

  async run(redis: Redis, keys: Keys, args: Arguments, values: readonly string[] = []): Promise<Result> {
    const commands = redis as unknown as Record<string, (...all: string[]) => Promise<Result>>;
    if (!(this.command in commands)) {
      redis.defineCommand(this.command, { lua: read(this.path), numberOfKeys: keys.length });
    }
    return (await commands[this.command]?.(...keys, JSON.stringify(args), ...values)) as Result;
  }
}

function read(path: string): string {
  const text = readFileSync(path, "utf8");
  return text.replace(INCLUDE, (_, included: string) => read(join(dirname(path), included)));
}
