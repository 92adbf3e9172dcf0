export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Formats durations as "253 ms (244–259)": median, minimum and maximum. */
export function formatDurations(milliseconds: readonly number[]): string {
  const [min, max] = [Math.min(...milliseconds), Math.max(...milliseconds)];
  return `${median(milliseconds).toFixed(0)} ms (${min.toFixed(0)}–${max.toFixed(0)})`;
}
