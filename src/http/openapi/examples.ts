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

/** In which states a job is in an operation's answers; otherwise it is queued. */
const ANSWERED: Record<string, Record<string, Status[]>> = {
  submitJob: { 200: ["succeeded"] },
  getJob: { 200: ["queued", "running", "succeeded", "failed"] },
  cancelJob: { 200: ["canceled"] },
  steerJob: { 200: ["running"] },
};

const capital = (text: string) => text.replace(/^./, (letter) => letter.toUpperCase());
const nameOfProblem = (code: string) => `Problem${code.split("_").map(capital).join("")}`;
const reference = (name: string) => ({ $ref: `#/components/examples/${name}` });

/** Gives the document its examples: each stands once under `components`, and is referred to wherever it fits. */
export function addExamples<Document extends object>(given: Document): Document {
  const document = given as Document & OpenApiDocument;
  const examples: Record<string, object> = {
    SubmitForm: { summary: "Two pictures as files", value: submitFormExample },
    SubmitJson: { summary: "Two pictures by their URLs", value: submitJsonExample },
  };
  for (const [status, value] of Object.entries(jobExamples))
    examples[`Job${capital(status)}`] = { summary: `A ${status} job`, value };
  for (const problem of problemExamples)
    examples[nameOfProblem(problem.code)] = { summary: problem.title, value: problem };

  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    if (operation.operationId === "submitJob") addToBody(operation);
    addToAnswers(operation);
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

function addToBody({ requestBody }: Operation): void {
  const form = requestBody?.content?.["multipart/form-data"];
  if (form) form.examples = { files: reference("SubmitForm") };
  const json = requestBody?.content?.["application/json"];
  if (json) json.examples = { urls: reference("SubmitJson"), bytes: { value: withBytes } };
}

/** What a picture's bytes look like in JSON, here of a PNG of nothing. */
const withBytes = {
  content: { base64: "iVBORw0KGgo=" },
  style: { base64: "iVBORw0KGgo=" },
  options: requestOptionsExample,
};

function addToAnswers({ operationId = "", responses = {} }: Operation): void {
  for (const [status, { description = "", content = {} }] of Object.entries(responses)) {
    for (const media of Object.values(content)) {
      const schema = media.schema?.$ref?.split("/").at(-1);
      const states = schema === "Job" ? (ANSWERED[operationId]?.[status] ?? ["queued"]) : [];
      const problems =
        schema === "Problem" ? problemExamples.filter(({ code }) => description.includes(`\`${code}\``)) : [];
      const named = [
        ...states.map((state) => [state, reference(`Job${capital(state)}`)] as const),
        ...problems.map(({ code }) => [code, reference(nameOfProblem(code))] as const),
      ];
      if (named.length > 0) media.examples = Object.fromEntries(named);
    }
  }
}
