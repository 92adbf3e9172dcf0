const TERMINAL_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 10_000;

/**
 * Progress of a long download: one line that is redrawn in a terminal, or a line every ten seconds in a log.
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
      if (Date.now() - drawn < (stream.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS)) return;
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
