import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  hasKey: boolean;
  onKey: (key: string, forGood: boolean) => void;
  onClose: () => void;
}

/** Asks for the API key that goes with every request. */
export function KeyDialog({ hasKey, onKey, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [key, setKey] = useState("");
  const [forGood, setForGood] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="key-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== "") onKey(key.trim(), forGood);
        }}
      >
        <h2 id="key-title">API key</h2>
        <p>
          Where the service is not open to everyone, whoever runs it gives out keys. It stays in this browser.
        </p>
        <label class="field">
          Key
          <input
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={forGood}
            onChange={(event) => setForGood(event.currentTarget.checked)}
          />
          Remember it on this computer
        </label>
        <div class="buttons">
          <button type="submit" class="primary" disabled={key.trim() === ""}>
            Use this key
          </button>
          {hasKey && (
            <button type="button" onClick={() => onKey("", false)}>
              Forget the key
            </button>
          )}
          <button type="button" class="link" onClick={onClose}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
