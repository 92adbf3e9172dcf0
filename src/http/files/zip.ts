import { Readable } from "node:stream";
import yazl from "yazl";

export interface ZippedFile {
  name: string;
  /** Opened when its turn has come. */
  open: () => Promise<Readable>;
}

/** Files as one zip, made while it is read; pictures are compressed already, and are stored as they are. */
export function zip(files: readonly ZippedFile[]): Readable {
  const archive = new yazl.ZipFile();
  const output = new Readable().wrap(archive.outputStream);
  archive.on("error", (error: Error) => output.destroy(error));
  for (const { name, open } of files) {
    archive.addReadStreamLazy(name, { compress: false }, (opened) => {
      open().then(
        (stream) => opened(null, stream),
        (error: unknown) => opened(error, Readable.from([])),
      );
    });
  }
  archive.end();
  return output;
}
