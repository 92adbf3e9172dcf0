/**
 * Advisories that are accepted, each with the reason why it does no harm here.
 * @type {Record<string, string>}
 */
export const ALLOWED_ADVISORIES = {};

/** Licences that allow shipping with no more than a notice. */
export const PERMISSIVE = [
  ...["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0", "Zlib", "CC0-1.0"],
  ...["Python-2.0", "Unlicense"],
];

/**
 * Packages under another licence that may be shipped, each with the reason.
 * @type {Record<string, string>}
 */
export const ALLOWED_LICENCES = {
  "@img/sharp-": "libvips, LGPL-3.0: a shared library of its own that anybody may replace",
  h5wasm: "the National Institute of Standards' notice: free to use with attribution",
  "@fontsource-variable/": "SIL Open Font License: fonts may be shipped with software",
};
