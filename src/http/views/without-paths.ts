/** A path of at least two names, as it stands in an error's words; not the slashes of a URL or a fraction. */
const PATH = /(?<![\w:/.])\/[\w.@+~-]+(?:\/[\w.@+~-]+)+\/?/g;

/** What went wrong, without where on the machine it did. */
export function withoutPaths(text: string): string {
  return text.replace(PATH, "(a path of the service)");
}
