import { ProblemError } from "../clients/typescript/index.ts";

/** What went wrong, for a person, and what to do about it. */
export interface Trouble {
  title: string;
  details: string[];
  advice: string;
  /** The service wants a key, or another one. */
  wantsKey: boolean;
}

const ADVICE: Record<string, string> = {
  unsupported_picture: "Choose a JPEG, PNG, WebP or AVIF picture.",
  corrupt_picture: "Open the picture in an image program, save it anew and choose that file.",
  mismatched_picture: "Save the picture anew in an image program, as the type its name says.",
  animated_picture: "Choose a picture with a single frame.",
  picture_too_large: "Save the picture smaller or as JPEG: the result is seldom larger than 1024 px anyway.",
  too_many_pixels: "Make the picture smaller first: the result is seldom larger than 1024 px anyway.",
  picture_too_small: "Choose a larger picture.",
  picture_too_narrow: "Raise the size under “More options”, or choose a less narrow picture.",
  too_many_styles: "Take away some of the style pictures.",
  invalid_options: "Change the options named above under “More options”.",
  queue_full: "Many paintings are waiting. Try again in a few minutes; your pictures stay here.",
  storage_full: "The service has no room left for pictures. Whoever runs it must make some.",
  job_not_found: "It may have been deleted, or have expired. Start a new painting.",
  result_expired: "The service keeps pictures only for a while. Paint it again.",
};

const DEFAULT_ADVICE = "Try again. Should it stay so, tell whoever runs the service the request’s number.";

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof ProblemError)) {
    return {
      title: "The service cannot be reached",
      details: [],
      advice: "Check the network. Nothing is lost: your pictures stay here, and jobs go on without you.",
      wantsKey: false,
    };
  }
  const { status, problem, retryAfter } = error;
  if (status === 401 || status === 403) {
    return {
      title: status === 401 ? "This service wants an API key" : "This key may not do that",
      details: problem && status === 403 ? [problem.detail] : [],
      advice: "Enter a key that whoever runs the service has given you.",
      wantsKey: true,
    };
  }
  const fields = problem?.errors?.map(
    ({ path, expected, received }) => `${path}: expected ${expected}, received ${received}`,
  );
  const later = retryAfter === null ? null : `Try again in ${retryAfter} s; your pictures stay here.`;
  return {
    title: problem?.title ?? `The service answered ${status}`,
    details: fields ?? (problem ? [problem.detail] : []),
    advice:
      ADVICE[problem?.code ?? ""] ??
      later ??
      (problem?.request_id ? `${DEFAULT_ADVICE} (${problem.request_id})` : DEFAULT_ADVICE),
    wantsKey: false,
  };
}
