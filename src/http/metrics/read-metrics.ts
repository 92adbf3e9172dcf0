import type { Metric } from "prom-client";

// Metrics whose figures are kept elsewhere, and read when they are asked for.

interface Named {
  name: string;
  help: string;
}
type Labels = Record<string, string>;
interface Value {
  labels?: Labels;
  value: number;
}

export function gauge(named: Named, read: () => Promise<Value[]>): Metric {
  return metric(named, "gauge", read);
}

export function counter(named: Named, read: () => Promise<Value[]>): Metric {
  return metric(named, "counter", read);
}

interface Series {
  labels: Labels;
  /** How many took at most so long. */
  classes: { upTo: number; count: number }[];
  count: number;
  sum: number;
}

export function histogram(named: Named, read: () => Promise<Series[]>): Metric {
  const { name } = named;
  return metric(named, "histogram", async () =>
    (await read()).flatMap(({ labels, classes, count, sum }) => [
      ...classes.map((one) => ({
        ...{ metricName: `${name}_bucket`, value: one.count },
        labels: { ...labels, le: String(one.upTo) },
      })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]),
  );
}

function metric(named: Named, type: string, read: () => Promise<object[]>): Metric {
  const get = async () => ({ ...named, type, values: await read(), aggregator: "first" });
  return { ...named, get, reset: () => undefined } as unknown as Metric;
}
