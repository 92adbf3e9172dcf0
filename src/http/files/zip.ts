import { Readable } from "node:stream";
import yazl from "yazl";

interface ZippedFile {
  name: string;
  /** Called when the file is about to be added. */
  open: () => Promise<Readable>;
}

/** Streams files as a zip. Pictures are compressed already, so they are stored uncompressed. */
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
