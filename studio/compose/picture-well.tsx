import { useRef, useState } from "preact/hooks";
import { nameOf } from "../draft.ts";
import { type Example, loadExample } from "../examples.ts";
import { useShared } from "../painter-context.ts";
import { useFileUrl } from "../parts/use-file-url.ts";

interface Props {
  title: string;
  hint: string;
  several?: boolean;
  files: File[];
  examples: Example[];
  onFiles: (change: (before: File[]) => File[]) => void;
}

const TYPES = "image/jpeg,image/png,image/webp,image/avif";

/** Where pictures are dropped, picked, pasted, or taken from the examples. */
export function PictureWell({ title, hint, several = false, files, examples, onFiles }: Props) {
  const { announce } = useShared();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const id = `well-${title.toLowerCase()}`;

  const take = (taken: Iterable<File>) => {
    const list = [...taken];
    if (list.length === 0) return;
    onFiles((before) => (several ? [...before, ...list] : list.slice(0, 1)));
    announce(`${title}: ${list.map(nameOf).join(", ")}`);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files ?? []);
  };

  return (
    <section
      class={`well ${over ? "over" : ""} ${files.length > 0 ? "full" : ""}`}
      aria-labelledby={`${id}-title`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      onPaste={(event: ClipboardEvent) => take(event.clipboardData?.files ?? [])}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="frames">
        {files.map((file) => (
          <Framed
            key={`${file.name}-${file.size}-${file.lastModified}`}
            file={file}
            onRemove={() => onFiles((before) => before.filter((other) => other !== file))}
          />
        ))}
        {(files.length === 0 || several) && (
          <button
            type="button"
            class={`drop ${files.length > 0 ? "small" : ""}`}
            onClick={() => input.current?.click()}
          >
            {files.length > 0 ? (
              "Add another style"
            ) : (
              <>
                <strong>Choose a {title.toLowerCase()} picture</strong>
                <span>or drop it here</span>
                <span class="soft">{hint}</span>
              </>
            )}
          </button>
        )}
      </div>
      <input
        ref={input}
        id={id}
        type="file"
        accept={TYPES}
        multiple={several}
        hidden
        aria-label={`${title} picture`}
        onChange={(event) => {
          take(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
      <div class="examples">
        <span class="soft">Or take</span>
        {examples.map((example) => (
          <button
            key={example.url}
            type="button"
            class="example"
            onClick={() => void loadExample(example).then((file) => take([file]))}
          >
            <img src={example.url} alt="" width="44" height="44" />
            {example.title}
          </button>
        ))}
      </div>
    </section>
  );
}

function Framed({ file, onRemove }: { file: File; onRemove: () => void }) {
  const url = useFileUrl(file);
  const [broken, setBroken] = useState(false);
  const name = nameOf(file);
  return (
    <figure class="framed">
      {url && !broken && <img src={url} alt={name} onError={() => setBroken(true)} />}
      {broken && <p>This browser cannot show it; the service may still read it.</p>}
      <figcaption>
        <em>{name}</em>
        <button type="button" class="link" aria-label={`Remove ${name}`} onClick={onRemove}>
          Remove
        </button>
      </figcaption>
    </figure>
  );
}
