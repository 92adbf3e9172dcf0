import { QueueUnavailableError } from "./job-queue.ts";

/** Errors of the connection as `QueueUnavailableError`; errors of the code as they are. */
export async function available<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const lost =
      /^(Stream isn't writeable|Connection is closed|Command timed out|connect |Reached the max retries|read E|write E)/;
    const refused = /^(LOADING|READONLY|MISCONF|OOM|CLUSTERDOWN|NOREPLICAS|BUSY|MASTERDOWN)\b/;
    if (
      lost.test(error.message) ||
      refused.test(error.message) ||
      error.name === "MaxRetriesPerRequestError" ||
      error.name === "ClusterAllFailedError"
    ) {
      throw new QueueUnavailableError("Redis cannot be reached", { cause: error });
    }
    throw error;
  }
}
