export function pickOne<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** A whole number below `end`. */
export const randomBelow = (end: number) => Math.floor(Math.random() * end);

/** Whether something withProbability that withProbability with this probability. */
export const withProbability = (probability: number) => Math.random() < probability;
