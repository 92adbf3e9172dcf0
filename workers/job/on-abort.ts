/**
 * Runs `action` with the signal's reason once the signal is aborted, at once if it already is. `result` stays pending
 * until `action` resolves. `dispose` stops listening, and aborts the second argument of an action that still runs.
 */
export function onAbort<Reason, Result>(
  signal: AbortSignal,
  action: (reason: Reason, disposed: AbortSignal) => Promise<Result>,
): { result: Promise<Result>; dispose: () => void } {
  const disposed = new AbortController();
  let listener = () => {};
  const result = new Promise<Result>((resolve) => {
    // An action that fails was disposed of: nobody waits for its result any more.
    listener = () => action(signal.reason as Reason, disposed.signal).then(resolve, () => undefined);
  });
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  const dispose = () => {
    signal.removeEventListener("abort", listener);
    disposed.abort();
  };
  return { result, dispose };
}
