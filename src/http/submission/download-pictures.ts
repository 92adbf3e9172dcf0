import { fetchPicture, toProblemError } from "../../net/fetch-picture.ts";
import type { UrlPolicy } from "../../net/url-policy.ts";
import {
  emptyFields,
  type ParsedSubmission,
  PICTURE_FIELDS,
  type PictureLimits,
  pictureName,
  type ReadSubmission,
} from "./parsed-submission.ts";
import type { Spool } from "./spool.ts";

/** Downloads the pictures that are given as URLs into the spool, one after another. Throws a `ProblemError`. */
export async function downloadPictures(
  { pictures, fields }: ReadSubmission,
  spool: Spool,
  limits: PictureLimits,
  urlPolicy: UrlPolicy,
  urlSeconds: number,
): Promise<ParsedSubmission> {
  const paths = emptyFields<string>();
  for (const field of PICTURE_FIELDS) {
    for (const [index, source] of pictures[field].entries()) {
      const name = pictureName(field, index, limits);
      const path =
        "path" in source ? source.path : await download(source.url, name, spool, urlPolicy, urlSeconds);
      paths[field].push(path);
    }
  }
  return { pictures: paths, fields };
}

async function download(
  url: string,
  name: string,
  spool: Spool,
  urlPolicy: UrlPolicy,
  urlSeconds: number,
): Promise<string> {
  const signal = AbortSignal.timeout(urlSeconds * 1000);
  const picture = await fetchPicture(url, `${name}.url`, urlPolicy, signal);
  return await spool.write(name, picture).catch((error) => {
    throw toProblemError(error, `${name}.url`, signal);
  });
}
