import { z } from "zod";

/** What a key allows. `submit`: create and change jobs; `read`: read them; `admin`: operate the service. */
export const SCOPES = ["submit", "read", "admin"] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

/** Whom a job belongs to. One owner may have several keys. */
export const ownerSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    "expected 1 to 64 characters of a-z 0-9 . _ -, starting with a letter or digit",
  );

/** The owner of jobs that are created without a key. */
export const LOCAL_OWNER = "local";
