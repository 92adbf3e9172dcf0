import { useEffect, useState } from "preact/hooks";

const JOB = /^#\/jobs\/([0-9a-f-]{36})$/;

/** The id of the job that the address names; null: the page where a painting is put together. */
export function useRoute(): string | null {
  const read = () => JOB.exec(location.hash)?.[1] ?? null;
  const [id, setId] = useState(read);
  useEffect(() => {
    const follow = () => {
      setId(read());
      scrollTo({ top: 0 });
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return id;
}

export const jobAddress = (id: string) => `#/jobs/${id}`;

export function openJob(id: string): void {
  location.hash = jobAddress(id);
}

export function openComposer(): void {
  location.hash = "#/";
}
