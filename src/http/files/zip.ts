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
  let current: Readable | undefined;
  const output = new Readable({
    // A reader that goes away leaves no file open.
    destroy(error, done) {
      current?.destroy();
      done(error);
    },
  }).wrap(archive.outputStream);
  archive.on("error", (error: Error) => output.destroy(error));
  for (const { name, open } of files) {
    archive.addReadStreamLazy(name, { compress: false }, (opened) => {
      open().then(
        (stream) => {
          current = stream;
          if (output.destroyed) stream.destroy();
          else opened(null, stream);
        },
        (error: unknown) => opened(error, Readable.from([])),
      );
    });
  }
  archive.end();
  return output;
}
