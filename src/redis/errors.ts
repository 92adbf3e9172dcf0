// ioredis has no class for these errors: only their names and messages tell them from faults of our own.
const CONNECTION_LOST =
  /^(Stream isn't writeable|Connection is closed|Command timed out|connect |Reached the max retries|read E|write E)/;
const COMMAND_REJECTED = /^(LOADING|READONLY|MISCONF|OOM|CLUSTERDOWN|NOREPLICAS|BUSY|MASTERDOWN|NOPERM)\b/;
/** An AggregateError stands for several addresses that cannot be reached; its message is empty. */
const NAMES = ["MaxRetriesPerRequestError", "ClusterAllFailedError", "AggregateError"];

/** Whether an error says that Redis cannot be reached, or accepts no commands at the moment. */
export function isRedisUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { message, name } = error;
  return CONNECTION_LOST.test(message) || COMMAND_REJECTED.test(message) || NAMES.includes(name);
}

/** What is wrong with Redis, without addresses or commands: for clients of the API. */
export function describeRedisError(error: unknown): string {
  const [code] = COMMAND_REJECTED.exec((error as Error).message) ?? [];
  return code === undefined ? "Redis cannot be reached" : `Redis rejects commands (${code})`;
}
