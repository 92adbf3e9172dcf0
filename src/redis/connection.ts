import { Cluster, type CommonRedisOptions, Redis } from "ioredis";

type Options = Omit<CommonRedisOptions, "replyMapping">;

const shared: Options = {
  connectTimeout: 5_000,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2_000),
};

/** For the API: while Redis is unavailable every command fails at once, so that clients get a 503 and not a hanging request. */
export function connectForRequests(url: string): Redis {
  return connect(url, {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
  });
}

/** For workers: commands wait until Redis is back, however long that takes. BullMQ requires it. */
export function connectForWork(url: string): Redis {
  return connect(url, { ...shared, maxRetriesPerRequest: null });
}

/** Waits until Redis answers, however long that takes. `once()` of node:events would reject at the first error. */
export async function waitUntilReady(redis: Redis): Promise<void> {
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}

function connect(url: string, options: Options): Redis {
  const redis = CLUSTER.test(url) ? connectCluster(url, options) : connectServer(url, options);
  // Commands that fail or wait show an outage. Without a listener every retry would print a stack.
  redis.on("error", () => undefined);
  return redis;
}

const CLUSTER = /^(rediss?)\+cluster:\/\//;

/** `unix://`, a password for it if it has one, and a path; ioredis knows the path alone. */
const UNIX_SOCKET = /^unix:\/\/(?::([^@/]+)@)?(\/.*)$/;

function connectServer(url: string, options: Options): Redis {
  const [, password, path] = UNIX_SOCKET.exec(url) ?? [];
  if (path === undefined) return new Redis(url, options);
  return new Redis(path, { ...options, ...(password && { password: decodeURIComponent(password) }) });
}

/**
 * Connects to a Redis Cluster by `redis+cluster://user:password@host:port,host:port`, which names some of its nodes. All keys
 * share one hash tag, so every script and transaction finds them on one node.
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
  // A Cluster has the commands, events and states of a connection to one server that this project uses.
  return cluster as unknown as Redis;
}
