import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { NstClient } from "../clients/typescript/index.ts";

const KEY_NAME = "nst-key";

/** Kept for this browser tab's session, or for good where the person says so. */
export function keptKey(): string {
  return sessionStorage.getItem(KEY_NAME) ?? localStorage.getItem(KEY_NAME) ?? "";
}

export function keepKey(key: string, forGood: boolean): void {
  for (const storage of [sessionStorage, localStorage]) storage.removeItem(KEY_NAME);
  if (key !== "") (forGood ? localStorage : sessionStorage).setItem(KEY_NAME, key);
}

export function createPainter(key: string): NstClient {
  return new NstClient(location.origin, key === "" ? {} : { apiKey: key });
}

export interface Shared {
  painter: NstClient;
  /** Opens the dialog that asks for a key. */
  askForKey: () => void;
  /** Tells a screen reader. */
  announce: (message: string) => void;
}

export const SharedContext = createContext<Shared | null>(null);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (!shared) throw new Error("This part stands outside the studio");
  return shared;
}
