import type { JobRecord } from "./job-record.ts";
import { PICTURES_FOLDER } from "./picture-arguments.ts";

/** Keys of the pictures that the client sent. */
export function inputKeys(record: JobRecord): string[] {
  const { content, styles, style_masks, keep_mask, init_picture } = record;
  return [content, ...styles, ...(style_masks ?? []), keep_mask, init_picture].filter((key) => key !== null);
}

/** Keys of the pictures that the job shares with others; the others are in its own folder. */
export function sharedPictures(record: JobRecord): string[] {
  return [...new Set(inputKeys(record).filter((key) => key.startsWith(PICTURES_FOLDER)))];
}

/** Keys of all blobs that a record names. */
export function blobKeys(record: JobRecord): string[] {
  const { result, raw_result, preview, checkpoint, losses } = record;
  const keys = [...inputKeys(record), result?.key, raw_result, preview?.key, checkpoint?.key, losses];
  return keys.filter((key) => typeof key === "string");
}

/** The prefix of all blobs that are a job's own. */
export const jobFolder = (id: string) => `jobs/${id}/`;

/** The prefix of a job's timelapse. Its pictures are named by their step, so that they sort. */
export const timelapseFolder = (id: string) => `${jobFolder(id)}timelapse/`;

/** Where pictures lie that the API creates from a job's pictures on request. */
export const derivedFolder = (id: string) => `${jobFolder(id)}derived/`;

/** Whether a job needs a blob: its record names it, it belongs to the timelapse, or it was converted from one of these. */
export function needsBlob(record: JobRecord, key: string): boolean {
  const { result, timelapse } = record;
  if ((result || timelapse) && key.startsWith(derivedFolder(record.id))) return true;
  if (timelapse && key.startsWith(timelapseFolder(record.id))) return true;
  return blobKeys(record).includes(key);
}
