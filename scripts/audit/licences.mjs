import { ALLOWED_LICENCES, PERMISSIVE } from "./allowed.mjs";

/** @typedef {{ packages: Record<string, { license?: string, dev?: boolean, link?: boolean, version?: string }> }} Lock */

/**
 * The shipped packages by licence, the most common licence first.
 * @param {Lock} lock @returns {[string, string[]][]}
 */
export function licencesOf(lock) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const [name, licence] of shipped(lock)) found.set(licence, [...(found.get(licence) ?? []), name]);
  return [...found].sort(([, one], [, other]) => other.length - one.length);
}

/** Packages whose licence is not allowed, one a line. @param {Lock} lock @returns {string[]} */
export function unusualLicences(lock) {
  return shipped(lock)
    .filter(
      ([name, licence]) =>
        !isPermissive(licence) && !Object.keys(ALLOWED_LICENCES).some((one) => name.startsWith(one)),
    )
    .map(([name, licence]) => `${name}: ${licence}`);
}

/** @param {Lock} lock @returns {[string, string][]} */
function shipped({ packages }) {
  return Object.entries(packages)
    .filter(([path, { dev, link }]) => path.startsWith("node_modules/") && !dev && !link)
    .map(([path, { license }]) => [path.replace(/^.*node_modules\//, ""), license ?? "no licence"]);
}

/** `A OR B` needs one of them, `A AND B` both. @param {string} licence */
function isPermissive(licence) {
  const bare = licence.replace(/[()]/g, "");
  if (bare.includes(" OR ")) return bare.split(" OR ").some((one) => isPermissive(one));
  return bare.split(" AND ").every((one) => PERMISSIVE.includes(one));
}
