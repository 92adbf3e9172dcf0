import { isFinal } from "../records/job-states.ts";
import type { RecordStore } from "../records/record-store.ts";
import type { Dispatch } from "./dispatch.ts";

/**
 * Tells BullMQ of accepted jobs that it does not know, because a process died between the two steps of a
 * submission. Any number of processes may do so at once: an id is added only where it is not there.
 *
 * @returns how many these were
 */
export async function redispatch(records: RecordStore, dispatch: Dispatch): Promise<number> {
  let count = 0;
  for await (const id of dispatch.undispatched()) {
    const record = await records.find(id);
    if (!record || isFinal(record.status)) continue;
    await dispatch.add(record);
    count++;
  }
  return count;
}
