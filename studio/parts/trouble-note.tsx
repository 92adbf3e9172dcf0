import { useShared } from "../painter-context.ts";
import { troubleOf } from "../trouble.ts";

/** What went wrong and what to do, with the button that does it. */
export function TroubleNote({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const { askForKey } = useShared();
  const { title, details, advice, wantsKey } = troubleOf(error);
  return (
    <div class="trouble" role="alert">
      <strong>{title}</strong>
      {details.length > 0 && (
        <ul>
          {details.map((detail) => (
            <li key={detail}>{detail}</li>
          ))}
        </ul>
      )}
      <p>{advice}</p>
      {wantsKey ? (
        <button type="button" onClick={askForKey}>
          Enter a key
        </button>
      ) : (
        onRetry && (
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}
