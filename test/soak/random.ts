export function pickOne<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** An unseeded whole number below `end`. */
export const randomBelow = (end: number) => Math.floor(Math.random() * end);

/** Returns true with the given probability. */
export const withProbability = (probability: number) => Math.random() < probability;
