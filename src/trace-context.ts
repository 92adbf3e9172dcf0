import { randomBytes } from "node:crypto";

/** Identifies a request in a trace across services (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hex digits, the same in all services. */
  traceId: string;
  /** 16 hex digits: this request, or a part of it. */
  spanId: string;
  /** Two hex digits. 01: the caller records the trace. */
  flags: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** Parses a `traceparent` header; returns null if it is missing or invalid. */
export function parseTraceparent(header: string | string[] | undefined | null): TraceContext | null {
  if (typeof header !== "string" || header.length > 512) return null;
  // Later versions may append fields, which are ignored. Version 00 has none.
  if (header.startsWith("00") && header.length !== 55) return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? [];
  return traceId && spanId && flags ? { traceId, spanId, flags } : null;
}

/** Starts a new span in the trace of `parent`, or in a new trace. */
export function newSpan(parent: TraceContext | null): TraceContext {
  const spanId = randomBytes(8).toString("hex");
  if (parent) return { ...parent, spanId };
  return { traceId: randomBytes(16).toString("hex"), spanId, flags: "00" };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
