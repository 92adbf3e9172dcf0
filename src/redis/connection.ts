import { Cluster, type CommonRedisOptions, Redis } from "ioredis";

type Options = Omit<CommonRedisOptions, "replyMapping">;

const shared: Options = {
  // BullMQ and the record's scripts both count on Redis 6.2; RESP3 is there since 6.0.
  connectTimeout: 5_000,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2_000),
};

/**
 * For the API: while Redis is away each command fails at once, so that a client gets a 503 instead of a
 * request that hangs.
 */
export function connectForRequests(url: string): Redis {
  return connect(url, {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
  });
}

/** For a worker: commands wait until Redis is back, however long that takes. BullMQ demands it. */
export function connectForWork(url: string): Redis {
  return connect(url, { ...shared, maxRetriesPerRequest: null });
}

/** Waits until Redis answers, however long it is away; `once()` of node:events would reject at the first error on the way. */
export async function untilReady(redis: Redis): Promise<void> {
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}

function connect(url: string, options: Options): Redis {
  const redis = CLUSTER.test(url) ? connectCluster(url, options) : new Redis(withoutScheme(url), options);
  // An outage shows in the commands that fail or wait; without a listener each retry would print a stack.
  redis.on("error", () => undefined);
  return redis;
}

const CLUSTER = /^(rediss?)\+cluster:\/\//;

const withoutScheme = (url: string) => (url.startsWith("unix://") ? url.slice("unix://".length) : url);

/**
 * `redis+cluster://user:password@host:port,host:port`: some nodes of a Redis Cluster, which tell of the others. All keys
 * have one hash tag, so that every script and transaction finds them on one node.
 */
function connectCluster(url: string, { retryStrategy, enableOfflineQueue, ...options }: Options): Redis {
  const isEncrypted = url.startsWith("rediss");
  const { username, password } = new URL(url.replace(CLUSTER, "redis://").replace(/,.*/, ""));
  const nodes = url.replace(CLUSTER, "").replace(/^.*@/, "").split(",");
  const cluster = new Cluster(
    nodes.map((node) => {
      const { hostname, port } = new URL(`redis://${node}`);
      return { host: hostname, port: Number(port || 6379) };
    }),
    {
      clusterRetryStrategy: (times) => retryStrategy?.(times) as number,
      enableOfflineQueue: enableOfflineQueue ?? true,
      redisOptions: {
        ...options,
        ...(username && { username: decodeURIComponent(username) }),
        ...(password && { password: decodeURIComponent(password) }),
        ...(isEncrypted && { tls: {} }),
      },
    },
  );
  // It has the commands, events and states of a connection to one server, and nothing else is asked of it.
  return cluster as unknown as Redis;
}
