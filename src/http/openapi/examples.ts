import {
  batchExamples,
  batchFormExample,
  batchJsonExample,
  jobListExample,
  lossesExample,
  presetsExample,
} from "../../contract/collection-examples.ts";
import {
  jobExamples,
  problemExamples,
  requestOptionsExample,
  submitFormExample,
  submitJsonExample,
  webhookExample,
} from "../../contract/examples.ts";

type Status = keyof typeof jobExamples;

interface MediaType {
  schema?: { $ref?: string };
  examples?: Record<string, object>;
}
interface Operation {
  operationId?: string;
  requestBody?: { content?: Record<string, MediaType> };
  responses?: Record<string, { description?: string; content?: Record<string, MediaType> }>;
}
interface OpenApiDocument {
  paths?: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, { post: Operation }>;
  components?: { schemas?: Record<string, object>; examples?: Record<string, object> };
}

/** The statuses of the job or batch in an operation's example responses; otherwise it is queued. */
const STATUSES: Record<string, Record<string, string[]>> = {
  submitJob: { 200: ["succeeded"] },
  getJob: { 200: ["queued", "running", "succeeded", "failed"] },
  cancelJob: { 200: ["canceled"] },
  updateJobOptions: { 200: ["running"] },
  getBatch: { 200: ["queued", "running", "finished"] },
  cancelBatch: { 200: ["canceled"] },
};

/** Responses with one example, by their schema. */
const SINGLE: Record<string, { key: string; summary: string; value: object }> = {
  JobList: { key: "page", summary: "A page of two jobs, with further pages", value: jobListExample },
  Losses: { key: "steps", summary: "Three steps of a loss history", value: lossesExample },
  Presets: {
    key: "presets",
    summary: "The presets, and two of the options",
    value: presetsExample,
  },
};

const capital = (text: string) => text.replace(/^./, (letter) => letter.toUpperCase());
const problemExampleName = (code: string) => `Problem${code.split("_").map(capital).join("")}`;
const reference = (name: string) => ({ $ref: `#/components/examples/${name}` });

/** Adds the examples to the document: each once under `components`, and references wherever it applies. */
export function addExamples<Document extends object>(given: Document): Document {
  const document = given as Document & OpenApiDocument;
  const examples: Record<string, object> = {
    SubmitForm: { summary: "Two pictures as files", value: submitFormExample },
    SubmitJson: { summary: "Two pictures by their URLs", value: submitJsonExample },
    BatchForm: { summary: "A content and two styles as files", value: batchFormExample },
    BatchJson: { summary: "A content and two styles by their URLs", value: batchJsonExample },
  };
  for (const [status, value] of Object.entries(jobExamples))
    examples[`Job${capital(status)}`] = { summary: `A ${status} job`, value };
  for (const [status, value] of Object.entries(batchExamples))
    examples[`Batch${capital(status)}`] = { summary: `A ${status} batch`, value };
  for (const [schema, { summary, value }] of Object.entries(SINGLE)) examples[schema] = { summary, value };
  for (const problem of problemExamples)
    examples[problemExampleName(problem.code)] = { summary: problem.title, value: problem };

  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    if (operation.operationId === "submitJob")
      addToBody(operation, "Submit", { base64: { value: base64Example } });
    if (operation.operationId === "submitBatch") addToBody(operation, "Batch");
    addToResponses(operation);
  }
  for (const [event, { post }] of Object.entries(document.webhooks ?? {})) {
    const value = webhookExample(event.slice("job.".length) as Status);
    const body = post.requestBody?.content?.["application/json"];
    if (body) body.examples = { [event]: { value } };
  }
  const options = document.components?.schemas?.Options;
  if (options) Object.assign(options, { examples: [jobExamples.queued.options] });
  return { ...document, components: { ...document.components, examples } };
}

function addToBody({ requestBody }: Operation, name: string, more: Record<string, object> = {}): void {
  const form = requestBody?.content?.["multipart/form-data"];
  if (form) form.examples = { files: reference(`${name}Form`) };
  const json = requestBody?.content?.["application/json"];
  if (json) json.examples = { urls: reference(`${name}Json`), ...more };
}

/** Pictures in base64; here only the signature of a PNG. */
const base64Example = {
  content: { base64: "iVBORw0KGgo=" },
  style: { base64: "iVBORw0KGgo=" },
  options: requestOptionsExample,
};

function addToResponses({ operationId = "", responses = {} }: Operation): void {
  for (const [status, { description = "", content = {} }] of Object.entries(responses)) {
    for (const media of Object.values(content)) {
      const schema = media.schema?.$ref?.split("/").at(-1) ?? "";
      const states =
        schema === "Job" || schema === "Batch" ? (STATUSES[operationId]?.[status] ?? ["queued"]) : [];
      const single = SINGLE[schema];
      const problems =
        schema === "Problem" ? problemExamples.filter(({ code }) => description.includes(`\`${code}\``)) : [];
      const named = [
        ...states.map((state) => [state, reference(`${schema}${capital(state)}`)] as const),
        ...(single ? [[single.key, reference(schema)] as const] : []),
        ...problems.map(({ code }) => [code, reference(problemExampleName(code))] as const),
      ];
      if (named.length > 0) media.examples = Object.fromEntries(named);
    }
  }
}
