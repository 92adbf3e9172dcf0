/** Secrets of one purpose that are valid at once. */
const MAXIMUM_SECRETS = 4;

/**
 * The secrets after a rotation, newest first. Every earlier one stays valid for at most `graceMs` from now, and no longer than it
 * was; the oldest go if there are too many. `end` is the field with the time until which a secret is valid.
 */
export function rotateSecrets<End extends string, Secret extends Record<End, string | null>>(
  secrets: readonly Secret[],
  created: Secret,
  graceMs: number,
  end: End,
  now = Date.now(),
): Secret[] {
  const validUntil = ({ [end]: until }: Secret) =>
    Math.min(until === null ? Number.POSITIVE_INFINITY : Date.parse(until), now + graceMs);
  const earlier = secrets.filter((secret) => validUntil(secret) > now).slice(0, MAXIMUM_SECRETS - 1);
  return [
    created,
    ...earlier.map((secret) => ({ ...secret, [end]: new Date(validUntil(secret)).toISOString() })),
  ];
}
