import { randomBytes } from "node:crypto";

/** A request's place in a distributed trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hex digits, the same in all services. */
  traceId: string;
  /** 16 hex digits: this request, or an operation within it. */
  spanId: string;
  /** Two hex digits; 01 if the caller records the trace. */
  flags: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** Parses a `traceparent` header; null if it is missing or invalid. */
export function parseTraceparent(header: string | string[] | undefined | null): TraceContext | null {
  if (typeof header !== "string" || header.length > 512) return null;
  // Later versions may append fields, which are ignored; version 00 has none.
  if (header.startsWith("00") && header.length !== 55) return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? [];
  return traceId && spanId && flags ? { traceId, spanId, flags } : null;
}

/** A new span in the parent's trace, or in a new trace. */
export function newSpan(parent: TraceContext | null): TraceContext {
  const spanId = randomBytes(8).toString("hex");
  if (parent) return { ...parent, spanId };
  return { traceId: randomBytes(16).toString("hex"), spanId, flags: "00" };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
