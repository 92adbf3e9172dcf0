export function anyOf<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** A whole number below `end`. */
export const upTo = (end: number) => Math.floor(Math.random() * end);

/** Whether something happens that happens with this probability. */
export const happens = (probability: number) => Math.random() < probability;
