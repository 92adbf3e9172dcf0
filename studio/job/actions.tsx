import { useState } from "preact/hooks";
import type { Job, PictureFormat } from "../../clients/typescript/index.ts";
import type { Draft } from "../draft.ts";
import { useShared } from "../painter-context.ts";
import { TroubleNote } from "../parts/trouble-note.tsx";
import { useAttempt } from "../parts/use-attempt.ts";

interface Props {
  job: Job;
  result: Blob | null;
  content: Blob | null;
  onRepaint: (draft: Partial<Draft>) => void;
}

const FORMATS: PictureFormat[] = ["png", "jpeg", "webp", "avif"];

/** What can be done with a job that has ended. */
export function Actions({ job, result, content, onRepaint }: Props) {
  const { painter } = useShared();
  const { attempt, trouble } = useAttempt();
  const [format, setFormat] = useState<PictureFormat>(job.options.output.format);
  const name = `${text(job.metadata.content, "painting")} in ${text(job.metadata.styles, "style")}`;
  const download = async () => {
    const picture = await painter.result(job.id, { format });
    const url = URL.createObjectURL(picture);
    const link = Object.assign(document.createElement("a"), { href: url, download: fileName(name, format) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const again = async () => {
    const paths = Object.entries(job.links).filter(([link]) => link.startsWith("style_"));
    const blobs = await Promise.all(paths.map(([, path]) => painter.picture(path)));
    const names = text(job.metadata.styles, "style").split(", ");
    onRepaint({
      content: content && asFile(content, text(job.metadata.content, "content")),
      styles: blobs.map((blob, index) => asFile(blob, names[index] ?? "style")),
      preset: job.options.preset,
    });
  };
  return (
    <section class="actions" aria-label="What next">
      {result && (
        <div class="download">
          <button type="button" class="primary" onClick={() => attempt(download)}>
            Download
          </button>
          <select
            aria-label="File format"
            value={format}
            onChange={(event) => setFormat(event.currentTarget.value as PictureFormat)}
          >
            {FORMATS.map((one) => (
              <option key={one} value={one}>
                {one.toUpperCase()}
              </option>
            ))}
          </select>
        </div>
      )}
      {content && (
        <button type="button" onClick={() => attempt(again)}>
          Try again with other options
        </button>
      )}
      {result && (
        <button type="button" onClick={() => onRepaint({ content: asFile(result, name) })}>
          Use as the next content
        </button>
      )}
      {trouble !== null && <TroubleNote error={trouble} />}
    </section>
  );
}

const text = (value: unknown, otherwise: string) =>
  typeof value === "string" && value !== "" ? value : otherwise;

function fileName(name: string, format: PictureFormat): string {
  return `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}.${format === "jpeg" ? "jpg" : format}`;
}

function asFile(blob: Blob, name: string): File {
  const ending = blob.type.split("/")[1]?.replace("jpeg", "jpg") ?? "png";
  return new File([blob], `${name}.${ending}`, { type: blob.type });
}
