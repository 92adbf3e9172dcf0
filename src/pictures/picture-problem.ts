import { type ProblemCode, ProblemError } from "../contract/problems.ts";

/** Why a picture is refused, before it is known which field of a request it belongs to. */
export class PictureProblem extends Error {
  override readonly name = "PictureProblem";

  constructor(
    readonly code: ProblemCode,
    readonly expected: string,
    readonly received: string,
  ) {
    super(`${code}: expected ${expected}, received ${received}`);
  }

  forField(field: string): ProblemError {
    return ProblemError.forField(this.code, field, this.expected, this.received);
  }
}
