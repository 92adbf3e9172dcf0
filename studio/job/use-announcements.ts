import { useEffect, useRef } from "preact/hooks";
import type { Job } from "../../clients/typescript/index.ts";
import { useShared } from "../painter-context.ts";

const QUARTERS = 4;

/** Tells a screen reader how the job goes on: each status, and each quarter of the way. */
export function useAnnouncements(job: Job | null): void {
  const { announce } = useShared();
  const told = useRef("");
  useEffect(() => {
    const message = job && messageOf(job);
    if (!message || message === told.current) return;
    told.current = message;
    announce(message);
  }, [job, announce]);
}

function messageOf(job: Job): string {
  switch (job.status) {
    case "queued":
      return job.queue ? `Waiting; ${job.queue.position} paintings are before it` : "Waiting";
    case "running": {
      const quarter = Math.floor(QUARTERS * (job.progress?.fraction ?? 0));
      return quarter === 0 ? "Painting has begun" : `${(100 * quarter) / QUARTERS} percent painted`;
    }
    case "succeeded":
      return "The painting is done";
    case "failed":
      return `The job failed: ${job.error?.message ?? "no reason is known"}`;
    default:
      return "The job is canceled";
  }
}
