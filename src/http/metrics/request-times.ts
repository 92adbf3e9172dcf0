/** Upper ends of the classes that requests are counted in, in seconds. */
const CLASSES = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60] as const;

interface Times {
  labels: { method: string; route: string; status: string };
  /** How many fell into each class, and at last those above. */
  counts: number[];
  sum: number;
}

/**
 * How long requests took, by method, route and status: a histogram in Prometheus's sense. Counted here and not by
 * prom-client, whose look for the labels' series takes a poll more than a microsecond.
 */
export class RequestTimes {
  private readonly times = new Map<string, Times>();

  count(method: string, route: string, status: number, seconds: number): void {
    const key = `${method} ${status} ${route}`;
    let times = this.times.get(key);
    if (!times) {
      const labels = { method, route, status: String(status) };
      times = { labels, counts: new Array<number>(CLASSES.length + 1).fill(0), sum: 0 };
      this.times.set(key, times);
    }
    let index = 0;
    while (index < CLASSES.length && seconds > (CLASSES[index] ?? 0)) index++;
    times.counts[index] = (times.counts[index] ?? 0) + 1;
    times.sum += seconds;
  }

  /** For each series how many requests took at most so many seconds, how many there were, and their seconds together. */
  all() {
    return [...this.times.values()].map(({ labels, counts, sum }) => {
      let count = 0;
      const classes = CLASSES.map((upTo, index) => {
        count += counts[index] ?? 0;
        return { upTo, count };
      });
      return { labels, classes, count: count + (counts[CLASSES.length] ?? 0), sum };
    });
  }
}
