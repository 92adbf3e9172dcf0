/** As much of JSON Schema as the service describes its options with. */
export interface OptionSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  anyOf?: OptionSchema[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
  properties?: Record<string, OptionSchema>;
  propertyNames?: OptionSchema;
  additionalProperties?: OptionSchema | boolean;
  items?: OptionSchema;
}

export type Kind = "choice" | "switch" | "number" | "text" | "group" | "weights" | "free";

/** Which control fits a schema; `free` is for what no other can show: JSON in a text field. */
export function kindOf(schema: OptionSchema): Kind {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type === "string") return "text";
  if (schema.properties) return "group";
  const values = schema.additionalProperties;
  if (schema.propertyNames?.enum && typeof values === "object" && values.type === "number") return "weights";
  return "free";
}

/** "32 to 4,096" for people. */
export function rangeOf({ minimum, exclusiveMinimum, maximum }: OptionSchema): string {
  const low = minimum ?? exclusiveMinimum;
  const figure = (value: number) => (value >= 1e7 ? value.toExponential(0) : value.toLocaleString("en"));
  if (low !== undefined && maximum !== undefined) return `${figure(low)} to ${figure(maximum)}`;
  if (low !== undefined) return `${figure(low)} or more`;
  return maximum === undefined ? "" : `up to ${figure(maximum)}`;
}
