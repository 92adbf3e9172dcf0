import { randomBytes } from "node:crypto";

/** Where a request belongs among those of other services (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hex digits, the same through all services. */
  traceId: string;
  /** 16 hex digits: this request, or whatever was done for it. */
  spanId: string;
  /** Two hex digits; 01: whoever asked records the trace. */
  flags: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** What a `traceparent` header says, or null where it says nothing that counts. */
export function parseTraceparent(header: string | string[] | undefined | null): TraceContext | null {
  if (typeof header !== "string" || header.length > 512) return null;
  // What a later version adds at the end is left aside; version 00 has nothing there.
  if (header.startsWith("00") && header.length !== 55) return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? [];
  return traceId && spanId && flags ? { traceId, spanId, flags } : null;
}

/** A span of its own within the trace that `parent` belongs to, or within a new one. */
export function newSpan(parent: TraceContext | null): TraceContext {
  const spanId = randomBytes(8).toString("hex");
  if (parent) return { ...parent, spanId };
  return { traceId: randomBytes(16).toString("hex"), spanId, flags: "00" };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
