import type { AbusedService } from "./service.ts";

export interface AbuseCase {
  name: string;
  /** Returns what the service did wrong, apart from what is measured of every case. `scale` is 1, or less in a short run. */
  run(service: AbusedService, scale: number): Promise<string[]>;
}

/** Says which of the answers is not among the expected ones. */
export function unexpected(what: string, statuses: number[], expected: number[]): string[] {
  const wrong = statuses.filter((status) => !expected.includes(status));
  return wrong.length === 0
    ? []
    : [`${what}: answered ${[...new Set(wrong)].join(", ")}, expected ${expected}`];
}

/** Runs an action `count` times at once. */
export function atOnce<T>(count: number, action: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => action(index)));
}
