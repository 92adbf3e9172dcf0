/** Exit codes for scripts, documented in docs/command-line.md. */
export const EXIT = {
  success: 0,
  failed: 1,
  usage: 2,
  rejected: 3,
  jobFailed: 4,
  jobCanceled: 5,
  unreachable: 6,
  interrupted: 130,
} as const;
