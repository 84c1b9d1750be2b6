/**
 * One thing wrong with an object a person wrote. A check returns all of them at once.
 * `path` is as a person would write it (`spec.lanes[0].name`), `message` says what is wrong with the value found, `hint` what to write instead.
 */
export interface FieldProblem {
  readonly path: string;
  readonly code: FieldProblemCode;
  readonly message: string;
  readonly hint?: string;
}

/** The causes of `Status.details.causes[].reason`, in our words; api/status.ts maps them to the Kubernetes ones. */
export type FieldProblemCode =
  "required" | "invalid" | "unknownField" | "duplicate" | "notSupported" | "forbidden" | "tooLong" | "immutable" | "typeInvalid";
