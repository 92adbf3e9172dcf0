const EVERY_TERMINAL_MS = 200;
const EVERY_LOG_MS = 10_000;

/**
 * One line that follows a long download: redrawn in a terminal, said now and then in a log.
 * @param {string} what
 * @param {number} total bytes
 */
export function progressLine(what, total, stream = process.stderr) {
  const started = Date.now();
  let drawn = started;
  const write = (bytes) => {
    const fraction = Math.min(1, bytes / total);
    const seconds = (Date.now() - started) / 1000;
    const eta = fraction > 0.01 ? `, ${Math.ceil((seconds * (1 - fraction)) / fraction)} s left` : "";
    const text = `${what}: ${megabytes(bytes)} of ${megabytes(total)} MB (${Math.floor(fraction * 100)} %${eta})`;
    stream.write(stream.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  };
  return {
    /** @param {number} bytes so far */
    update(bytes) {
      if (Date.now() - drawn < (stream.isTTY ? EVERY_TERMINAL_MS : EVERY_LOG_MS)) return;
      drawn = Date.now();
      write(bytes);
    },
    end() {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return Math.round(bytes / 1e6).toLocaleString("en");
}
