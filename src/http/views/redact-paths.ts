/** An absolute path of at least two names; not the slashes of a URL or a fraction. */
const PATH = /(?<![\w:/.])\/[\w.@+~-]+(?:\/[\w.@+~-]+)+\/?/g;

/** Removes paths of this machine from an error message. */
export function redactPaths(text: string): string {
  return text.replace(PATH, "[path]");
}
