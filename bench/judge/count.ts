import type { Key } from "./key.ts";

interface Score {
  method: string;
  other: string;
  wins: number;
  ties: number;
  losses: number;
  /** (wins + ties / 2) / all */
  share: number;
  /** Pairs that the method lost to the other, once for each choice. */
  lost: string[];
}

/**
 * Counts blind choices between methods. A choice ranks the letters of one sheet, the best first: "07 A>B=C".
 * @throws Error that names the line that is not understood
 */
export function countChoices(key: Key, text: string): Score[] {
  const scores = new Map<string, Score>();
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    for (const { better, worse, isTie, pair } of parseChoice(key, line)) {
      add(scores, better, worse, isTie ? "ties" : "wins", pair);
      add(scores, worse, better, isTie ? "ties" : "losses", pair);
    }
  }
  return [...scores.values()].sort((a, b) => b.share - a.share);
}

interface Comparison {
  better: string;
  worse: string;
  isTie: boolean;
  pair: string;
}

/** Every two methods on a sheet, compared by a ranking such as "A>B=C". */
function parseChoice(key: Key, line: string): Comparison[] {
  const [number = "", ranking = ""] = line.split(/\s+/);
  const { pair = "", methods: letters } = key.sheets[number] ?? {};
  const ranks = ranking.split(">").map((group) => group.split("="));
  const named = ranks.flat();
  const isComplete =
    letters !== undefined &&
    named.length === Object.keys(letters).length &&
    named.every((letter) => letter in letters) &&
    new Set(named).size === named.length;
  if (!isComplete)
    throw new Error(`Expected a sheet and all of its letters, such as "07 A>B", received "${line}".`);
  const placed = ranks.flatMap((group, rank) =>
    group.map((letter) => ({ method: letters[letter] ?? "", rank })),
  );
  return placed.flatMap((first, index) =>
    placed.slice(index + 1).map((second) => ({
      ...{ better: first.method, worse: second.method, pair },
      isTie: first.rank === second.rank,
    })),
  );
}

function add(
  scores: Map<string, Score>,
  method: string,
  other: string,
  result: "wins" | "ties" | "losses",
  pair: string,
): void {
  const name = `${method}\0${other}`;
  const score = scores.get(name) ?? { method, other, wins: 0, ties: 0, losses: 0, share: 0, lost: [] };
  score[result] += 1;
  if (result === "losses") score.lost.push(pair);
  score.share = (score.wins + score.ties / 2) / (score.wins + score.ties + score.losses);
  scores.set(name, score);
}
