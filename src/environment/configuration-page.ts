import { z } from "zod";
import { ROOT } from "../root.ts";
import { ENVIRONMENT_SECTIONS, environmentSchema } from "./variables.ts";

/** One variable as docs/configuration.md and .env.example show it. */
interface Variable {
  name: string;
  description: string;
  /** The values that it takes, in Markdown; undefined: any text of the kind that the description names. */
  values?: string | undefined;
  /** The default to write after `NAME=`; undefined if there is none or if it depends on something else. */
  value?: string | undefined;
  /** What applies instead of a default, in Markdown. */
  defaultText: string;
}

/** Variables that other programs than the service read: set-up, the clients, docker compose. */
const OTHER_SECTIONS: Record<string, Variable[]> = {
  Clients: [
    {
      name: "NST_SERVER",
      description: "URL of the service that `npx nst` calls.",
      defaultText: "`http://localhost:3000`",
    },
    { name: "NST_API_KEY", description: "API key that `npx nst` sends.", defaultText: "none" },
  ],
  "Set-up": [
    {
      name: "NST_CACHE_DIR",
      description:
        "Folder for what set-up downloads and builds; clones share it. `npm run setup` and `npm test` do not read `.env`.",
      defaultText: "`$XDG_CACHE_HOME/nst`, else `~/.cache/nst`",
    },
    {
      name: "NST_VGG19_URL",
      description: "Another URL of Keras's file of VGG-19's weights, such as a mirror.",
      defaultText: "Keras's own",
    },
    {
      name: "PYTHON",
      description: "Python with pip, which fetches TensorFlow.",
      value: "python3",
      defaultText: "`python3`",
    },
    { name: "CXX", description: "Compiler of C++ sources.", value: "c++", defaultText: "`c++`" },
  ],
  "Docker Compose": [
    {
      name: "WEIGHTS",
      description:
        "`baked`: VGG-19's weights in `models/vgg19` become part of the worker's image when it is built.",
      value: "none",
      defaultText: "`none`",
    },
    {
      name: "PUBLISH",
      description: "Address and port on the host that lead to the API.",
      value: "127.0.0.1:3000",
      defaultText: "`127.0.0.1:3000`",
    },
    {
      name: "WEIGHTS_DIR",
      description: "Folder with VGG-19's weights on the host, if they are not in the image.",
      value: "./models/vgg19",
      defaultText: "`./models/vgg19`",
    },
    {
      name: "GRAFANA_PASSWORD",
      description: "Password of Grafana's user `admin` (profile `monitoring`).",
      defaultText: "none",
    },
    {
      name: "METRICS_KEY_FILE",
      description:
        "File with an API key of the scope `admin`, with which Prometheus reads the metrics (profile `monitoring`).",
      value: "./metrics-key",
      defaultText: "`./metrics-key`",
    },
  ],
};

const DEFAULTS: Record<string, unknown> = environmentSchema.parse({});

const SECTIONS: [title: string, variables: Variable[]][] = [
  ...Object.entries(ENVIRONMENT_SECTIONS).map(([title, shape]): [string, Variable[]] => [
    title,
    Object.entries(shape).map(([name, schema]) => describeVariable(name, schema)),
  ]),
  ...Object.entries(OTHER_SECTIONS),
];

/** docs/configuration.md: every variable with its default, its values and its meaning. */
export function configurationPage(): string {
  return `# Configuration

Generated from the schema of the environment by \`npm run openapi\`. [.env.example](../.env.example) is the same list to copy.

Environment variables configure everything. \`npm start\`, \`npm run keys\`, \`npx nst\` and \`docker compose\` also read a file \`.env\`
in the clone; variables of the environment override it. A process that you start yourself reads it with
\`node --env-file=.env dist/src/main.js\`. An empty variable counts as not set. If a value is invalid, the process does not start: it
prints the variable, the expected values and what it received. Relative paths start at the clone's root.

${SECTIONS.map(([title, variables]) => `## ${title}\n\n${table(variables)}`).join("\n\n")}
`;
}

/** .env.example: every variable with its default, commented out. */
export function exampleEnvironment(): string {
  const sections = SECTIONS.map(([title, variables]) =>
    [
      `# --- ${title} ---`,
      ...variables.flatMap(({ name, description, value = "" }) => [
        ...wrap(description.replaceAll("`", "")),
        `#${name}=${value}`,
      ]),
    ].join("\n"),
  );
  return `# Generated from the schema of the environment by \`npm run openapi\`. Copy this file to .env and set what you need.
# A commented line shows the default. docs/configuration.md has the same list with the values that each variable takes.

${sections.join("\n\n")}
`;
}

function describeVariable(name: string, schema: z.ZodType): Variable {
  const { description = "", defaultText } = schema.meta() ?? {};
  const value = DEFAULTS[name] === undefined ? undefined : String(DEFAULTS[name]).replace(`${ROOT}/`, "");
  return {
    name,
    description,
    values: valuesOf(schema),
    value,
    defaultText:
      typeof defaultText === "string" ? defaultText : value === undefined ? "none" : `\`${value}\``,
  };
}

/** The values that a schema notes of itself, or of the type inside of `.default()` or `.optional()`. */
function valuesOf(schema: z.ZodType): string | undefined {
  const values = schema.meta()?.values;
  if (typeof values === "string") return values;
  const isWrapper = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return isWrapper ? valuesOf(schema.unwrap() as z.ZodType) : undefined;
}

function table(variables: Variable[]): string {
  const rows = variables.map(({ name, defaultText, values = "", description }) =>
    [`\`${name}\``, defaultText, values, description].join(" | "),
  );
  return ["variable | default | values | meaning", "--- | --- | --- | ---", ...rows]
    .map((row) => `| ${row} |`)
    .join("\n");
}

/** Lines of comment of at most 110 characters. */
function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (`# ${lines.at(-1)} ${word}`.length > 110) lines.push("");
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.map((line) => `# ${line}`);
}
