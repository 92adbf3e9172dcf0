import { evaluateTogether, type Question } from "./objective/evaluate-together.ts";
import type { Evaluation } from "./objective/objective.ts";
import type { PaintingRun } from "./painting-run.ts";
import { tf } from "./tensorflow.ts";

/** A step of each where one is left, evaluated together; resolves when what is told of it is on its way. */
export async function stepTogether(runs: readonly PaintingRun[]): Promise<void> {
  const asked = runs.flatMap((run) => {
    const question = run.ask();
    return question === undefined ? [] : [{ run, question }];
  });
  const answers = evaluate(asked.map(({ question }) => question));
  const told = asked.map(({ run }, index) => run.take(answers[index] as () => Evaluation));
  tf.dispose(asked.map(({ question }) => question.picture));
  await Promise.all(told);
}

/** What together is too much for the memory may be well one by one: where that fails too, it fails that one alone. */
function evaluate(questions: readonly Question[]): (() => Evaluation)[] {
  const alone = questions.map((question) => () => evaluateTogether([question])[0] as Evaluation);
  if (questions.length <= 1) return alone;
  try {
    return evaluateTogether(questions).map((evaluation) => () => evaluation);
  } catch {
    return alone;
  }
}
