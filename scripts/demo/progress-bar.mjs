const WIDTH = 28;
const LOG_EVERY = 0.1;

/** The line that follows a job: redrawn in a terminal, said every tenth of the way in a log. */
export function progressBar(stream = process.stderr) {
  let said = -1;
  return {
    /** @param {any} job its view */
    update(job) {
      const fraction = job.progress?.fraction ?? 0;
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${line(job)}`);
      } else if (fraction >= said + LOG_EVERY || (fraction === 1 && said < 1)) {
        said = fraction;
        stream.write(`${line(job)}\n`);
      }
    },
    end() {
      if (stream.isTTY) stream.write("\n");
    },
  };
}

/** @param {any} job */
export function line({ status, queue, progress }) {
  if (status === "queued") return queue ? `waiting: ${queue.position} jobs ahead` : "waiting";
  if (progress === null) return "loading the pictures";
  const { fraction, step, total_steps, scale, loss, eta_seconds } = progress;
  const filled = Math.round(WIDTH * fraction);
  const parts = [
    `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${String(Math.floor(100 * fraction)).padStart(3)} %`,
    `step ${step}/${total_steps}`,
    `${scale.width}×${scale.height}`,
    `loss ${loss === null ? "–" : loss.total.toExponential(3)}`,
  ];
  if (eta_seconds !== null && fraction < 1) parts.push(`${Math.ceil(eta_seconds)} s left`);
  return parts.join("  ");
}
