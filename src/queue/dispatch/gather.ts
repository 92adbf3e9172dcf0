/** Keys of one exchange: a script that looks at more would hold up Redis. */
const MOST = 50;

/**
 * Makes of a question about many keys one about a single key. Questions go out together as soon as a turn of the event
 * loop brings no more of them, those that come while an answer is on its way with the next ones; a key that is asked for
 * twice goes once. So requests that come at the same time share an exchange with Redis, and the more there are the less
 * each costs. An answer that takes a question of its own may be a promise: the others neither wait for it nor fail with it.
 */
export function gather<Answer>(
  ask: (keys: string[]) => Promise<(Answer | Promise<Answer>)[]>,
): (key: string) => Promise<Answer> {
  const waiting = new Map<string, Question<Answer>>();
  let isAsking = false;

  const askSome = async (): Promise<void> => {
    const some = [...waiting.values()].slice(0, MOST);
    for (const { key } of some) waiting.delete(key);
    try {
      const answers = await ask(some.map(({ key }) => key));
      for (let index = 0; index < some.length; index++) some[index]?.resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
    isAsking = false;
    if (waiting.size > 0) begin();
  };

  const begin = (): void => {
    isAsking = true;
    setImmediate(askWhenQuiet, 0);
  };

  const askWhenQuiet = (before: number): void => {
    if (waiting.size > before && waiting.size < MOST) setImmediate(askWhenQuiet, waiting.size);
    else askSome();
  };

  return (key) => {
    let question = waiting.get(key);
    if (question) return question.promise;
    question = new Question(key);
    waiting.set(key, question);
    if (!isAsking) begin();
    return question.promise;
  };
}

/** A promise that is kept from outside: `Promise.withResolvers`, which Node 20 lacks. */
class Question<Answer> {
  resolve!: (answer: Answer | Promise<Answer>) => void;
  reject!: (reason: unknown) => void;
  readonly promise = new Promise<Answer>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor(readonly key: string) {}
}
