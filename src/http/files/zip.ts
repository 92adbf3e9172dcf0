import { Readable } from "node:stream";
import yazl from "yazl";

interface ZippedFile {
  name: string;
  /** Called when the file is about to be added. */
  open: () => Promise<Readable>;
}

/**
 * Streams files as a zip. Entries are deflated, although pictures are compressed already: a reader that gets the zip as a stream
 * (Java's `ZipInputStream`) finds the end of a deflated entry by itself, and the size of a stored one only after it.
 */
export function zip(files: readonly ZippedFile[]): Readable {
  const archive = new yazl.ZipFile();
  let current: Readable | undefined;
  const output = new Readable({
    // Closes the open file if the reader disconnects.
    destroy(error, done) {
      current?.destroy();
      done(error);
    },
  }).wrap(archive.outputStream);
  archive.on("error", (error: Error) => output.destroy(error));
  for (const { name, open } of files) {
    archive.addReadStreamLazy(name, { compressionLevel: 1 }, (opened) => {
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
