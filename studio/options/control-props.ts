import type { OptionSchema } from "./option-schema.ts";

export interface ControlProps {
  id: string;
  name: string;
  schema: OptionSchema;
  /** What the preset sets it to. */
  standard: unknown;
  /** undefined: the preset's. */
  value: unknown;
  onChange: (value: unknown) => void;
}
