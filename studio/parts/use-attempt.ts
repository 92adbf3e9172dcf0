import { useState } from "preact/hooks";

/** What may fail and be tried again: whether it is under way, and what went wrong the last time. */
export function useAttempt() {
  const [underWay, setUnderWay] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    setUnderWay(true);
    setTrouble(null);
    try {
      await action();
    } catch (error) {
      setTrouble(error);
    } finally {
      setUnderWay(false);
    }
  };
  return { attempt, underWay, trouble };
}
