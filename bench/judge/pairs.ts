/** A content picture that each method paints in a style picture. */
export interface Pair {
  content: string;
  style: string;
  /** Defaults are chosen by the first kind; the second is first painted when the defaults stand. */
  use: "choose" | "judge";
  /** One of the eight pairs that every judgement includes: each content and each style is in at least one. */
  isCore: boolean;
}

const STYLES = ["starry_night", "water_lilies", "wave", "udnie", "composition_vii", "brick"];

/** One letter for each style: c to choose by, j to judge by, J core. */
const TABLE: Record<string, string> = {
  chelsea: "cjcjcJ",
  coffee: "jcjcJc",
  butterfly: "cJcjcj",
  kodak_hat: "jcJcjc",
  kodak_girl: "cjcJcj",
  kodak_houses: "Jcjcjc",
  kodak_lighthouse: "cjcJcj",
  kodak_parrots: "jcJcjc",
};

/** Eight contents in six styles: half of the pairs to choose defaults by, half to judge by. */
export const PAIRS: readonly Pair[] = Object.entries(TABLE).flatMap(([content, letters]) =>
  [...letters].map((letter, index) => ({
    content,
    style: STYLES[index] ?? "",
    use: letter === "c" ? ("choose" as const) : ("judge" as const),
    isCore: letter === "J",
  })),
);

export const pairName = ({ content, style }: Pick<Pair, "content" | "style">) => `${content}__${style}`;

/**
 * @param selection "marked", "judge", "choose", "all", or names such as kodak_girl__udnie, separated by commas
 * @throws Error that names what is unknown
 */
export function selectPairs(selection: string): Pair[] {
  if (selection === "all") return [...PAIRS];
  if (selection === "marked") return PAIRS.filter(({ isCore }) => isCore);
  if (selection === "judge" || selection === "choose") return PAIRS.filter(({ use }) => use === selection);
  return selection.split(",").map((name) => {
    const found = PAIRS.find((pair) => pairName(pair) === name);
    if (found) return found;
    throw new Error(`Unknown pair "${name}". Expected marked, judge, choose, all or CONTENT__STYLE.`);
  });
}
