/** Keys of one exchange: a script that looks at more would hold up Redis. */
const MOST = 50;

/**
 * Makes of a question about many keys one about a single key. Those of two turns of the event loop, and those that come
 * while an answer is on its way, go out together; a key that is asked for twice goes once. So requests that come at the
 * same time share an exchange with Redis, and the more there are the less each costs.
 */
export function gather<Answer>(ask: (keys: string[]) => Promise<Answer[]>): (key: string) => Promise<Answer> {
  const waiting = new Map<string, PromiseWithResolvers<Answer>>();
  let isAsking = false;

  const askSome = async (): Promise<void> => {
    const some = [...waiting].slice(0, MOST);
    for (const [key] of some) waiting.delete(key);
    try {
      const answers = await ask(some.map(([key]) => key));
      for (const [index, [, { resolve }]] of some.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const [, { reject }] of some) reject(error);
    }
    if (waiting.size > 0) setImmediate(askSome);
    else isAsking = false;
  };

  return (key) => {
    const known = waiting.get(key);
    if (known) return known.promise;
    const question = withResolvers<Answer>();
    waiting.set(key, question);
    if (!isAsking) {
      isAsking = true;
      // Two turns: what has come to other connections in the meantime goes along.
      setImmediate(() => setImmediate(askSome));
    }
    return question.promise;
  };
}

interface PromiseWithResolvers<Value> {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (reason: unknown) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
