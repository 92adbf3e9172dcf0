import type { Job, Presets } from "../../client/index.ts";

interface Props {
  job: Job;
  presets: Presets | null;
  onJob: (job: Job) => void;
}

/** Sliders that change a running job's weights. */
export function Steering(_: Props) {
  return null;
}
