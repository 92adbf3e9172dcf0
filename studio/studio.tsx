import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Presets } from "../clients/typescript/index.ts";
import { Composer } from "./compose/composer.tsx";
import { type Draft, EMPTY_DRAFT, keepDraft, keptDraft } from "./draft.ts";
import { JobPage } from "./job/job-page.tsx";
import { createPainter, keepKey, keptKey, SharedContext } from "./painter-context.ts";
import { KeyDialog } from "./parts/key-dialog.tsx";
import { TroubleNote } from "./parts/trouble-note.tsx";
import { openComposer, useRoute } from "./use-route.ts";
import { EarlierJobs } from "./wall/earlier-jobs.tsx";

/** The whole page. */
export function Studio() {
  const jobId = useRoute();
  const [key, setKey] = useState(keptKey);
  const [asking, setAsking] = useState(false);
  const [announcement, announce] = useState("");
  const [draft, changeDraft] = useDraft();
  const [presets, setPresets] = useState<Presets | null>(null);
  const [trouble, setTrouble] = useState<unknown>(null);
  const painter = useMemo(() => createPainter(key), [key]);
  const shared = useMemo(() => ({ painter, announce, askForKey: () => setAsking(true) }), [painter]);

  const load = useCallback(() => {
    setTrouble(null);
    painter.presets().then(setPresets, setTrouble);
  }, [painter]);
  useEffect(load, [load]);

  const repaint = (changes: Partial<Draft>) => {
    changeDraft(() => ({ ...EMPTY_DRAFT, ...changes }));
    openComposer();
  };

  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#main">
        Skip to the studio
      </a>
      <header class="top">
        <a class="brand" href="#/">
          <span class="brand-mark" aria-hidden="true" />
          nst <span class="brand-place">studio</span>
        </a>
        <nav aria-label="Service">
          <a href="/docs">API</a>
          <button type="button" class="link" onClick={() => setAsking(true)}>
            {key === "" ? "API key" : "Change key"}
          </button>
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {trouble !== null && presets === null && <TroubleNote error={trouble} onRetry={load} />}
        {jobId ? (
          <JobPage key={jobId} id={jobId} presets={presets} onRepaint={repaint} />
        ) : (
          <Composer draft={draft} presets={presets} onChange={changeDraft} />
        )}
        <EarlierJobs current={jobId} />
      </main>
      <p class="unseen" role="status">
        {announcement}
      </p>
      {asking && (
        <KeyDialog
          hasKey={key !== ""}
          onClose={() => setAsking(false)}
          onKey={(entered, forGood) => {
            keepKey(entered, forGood);
            setKey(entered);
            setAsking(false);
          }}
        />
      )}
    </SharedContext.Provider>
  );
}

/** The draft, which outlives a reload; what is changed before the kept one is read comes before it. */
function useDraft(): [Draft, (change: (before: Draft) => Draft) => void] {
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const isChanged = useRef(false);
  useEffect(() => {
    void keptDraft().then((kept) => setDraft((now) => (isChanged.current ? now : kept)));
  }, []);
  useEffect(() => {
    if (isChanged.current) void keepDraft(draft);
  }, [draft]);
  const change = useCallback((next: (before: Draft) => Draft) => {
    isChanged.current = true;
    setDraft(next);
  }, []);
  return [draft, change];
}
