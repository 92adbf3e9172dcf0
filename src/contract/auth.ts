import { z } from "zod";

/** What a key may do. `submit`: make jobs and change them; `read`: see them; `admin`: run the service. */
export const SCOPES = ["submit", "read", "admin"] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

/** Whom a job belongs to. Several keys may belong to one owner. */
export const ownerSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    "expected 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit",
  );

/** The owner of what is made without a key. */
export const LOCAL_OWNER = "local";
