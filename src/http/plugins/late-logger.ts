import type { FastifyBaseLogger } from "fastify";
import type { Logger } from "../../logging.ts";

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/** A request's logger, made when its first line is written: most requests write one, at their end, or none. */
export class LateLogger {
  private made: FastifyBaseLogger | null = null;

  constructor(
    readonly parent: Logger,
    private readonly make: () => FastifyBaseLogger,
  ) {}

  get own(): FastifyBaseLogger {
    this.made ??= this.make();
    return this.made;
  }

  get level(): string {
    return this.parent.level;
  }

  child(...given: Parameters<FastifyBaseLogger["child"]>): FastifyBaseLogger {
    return this.own.child(...given);
  }

  silent(): void {}
}

for (const level of LEVELS) {
  Object.defineProperty(LateLogger.prototype, level, {
    value(this: LateLogger, ...line: Parameters<Logger["info"]>) {
      if (this.parent.isLevelEnabled(level)) this.own[level](...line);
    },
  });
}
