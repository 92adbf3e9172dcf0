import { QueueUnavailableError } from "./job-queue.ts";

/** Errors of the connection as `QueueUnavailableError`; errors of the code as they are. */
export async function available<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw isOutage(error) ? new QueueUnavailableError(whatIsWrong(error as Error), { cause: error }) : error;
  }
}

const LOST =
  /^(Stream isn't writeable|Connection is closed|Command timed out|connect |Reached the max retries|read E|write E)/;
const REFUSED = /^(LOADING|READONLY|MISCONF|OOM|CLUSTERDOWN|NOREPLICAS|BUSY|MASTERDOWN)\b/;
/** Several addresses that cannot be reached are an AggregateError, whose message is empty. */
const NAMES = [
  "MaxRetriesPerRequestError",
  "ClusterAllFailedError",
  "AggregateError",
  "QueueUnavailableError",
];

/** In words that strangers may read. */
function whatIsWrong({ message }: Error): string {
  const [refusal] = REFUSED.exec(message) ?? [];
  return refusal === undefined ? "Redis cannot be reached" : `Redis takes nothing at the moment (${refusal})`;
}

/** Whether an error says that Redis, or the way to it, is away. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return LOST.test(error.message) || REFUSED.test(error.message) || NAMES.includes(error.name);
}
