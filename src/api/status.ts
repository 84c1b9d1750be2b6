import { conflictMessage, type Conflict } from "../domain/apply/conflict.ts";
import type { FieldProblem, FieldProblemCode } from "../domain/object/field-problem.ts";
import type { JsonObject } from "../domain/object/json.ts";

/** The answer of the API where it is no object: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface Status extends JsonObject {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: JsonObject;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  /** The HTTP status code; absent on success. */
  readonly code?: number;
}

/** A Status that tells of a failure. */
export interface FailureStatus extends Status {
  readonly status: "Failure";
  readonly message: string;
  readonly reason: StatusReason;
  readonly code: number;
}

/** `metav1.StatusReason`, as far as we answer with it. */
export type StatusReason =
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable";

export interface StatusDetails extends JsonObject {
  readonly name?: string;
  readonly group?: string;
  /** The plural of the resource, except for `Invalid`, where Kubernetes puts the kind. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusCause extends JsonObject {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** What an answer is about. `name` is "" for a whole collection. */
export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

/** Everything a request can fail with: the one table of errors. `statusOf` says it in the words of Kubernetes. */
export type ApiError =
  | { readonly error: "notFound"; readonly subject: Subject }
  | { readonly error: "noSuchPath" }
  | { readonly error: "alreadyExists"; readonly subject: Subject }
  | { readonly error: "conflict"; readonly subject: Subject; readonly because?: string }
  /** Others own what a server-side apply would change. */
  | { readonly error: "applyConflict"; readonly conflicts: readonly Conflict[] }
  | { readonly error: "invalid"; readonly subject: Subject; readonly kind: string; readonly problems: readonly FieldProblem[] }
  | { readonly error: "unknownFields"; readonly version: string; readonly kind: string; readonly problems: readonly FieldProblem[] }
  | { readonly error: "forbidden"; readonly subject: Subject; readonly because: string }
  | { readonly error: "forbiddenPath"; readonly user: string; readonly verb: string; readonly path: string }
  | { readonly error: "namespaceTerminating"; readonly subject: Subject; readonly namespace: string }
  | { readonly error: "unauthorized"; readonly because?: string }
  | { readonly error: "badRequest"; readonly message: string }
  /** A list or watch from a version that is no longer kept; `continue`: where an inconsistent list can go on. */
  | { readonly error: "expired"; readonly message: string; readonly continue?: string }
  /** A version that is yet to come; client-go knows it by its cause. */
  | { readonly error: "resourceVersionTooLarge"; readonly asked: number; readonly current: number }
  | { readonly error: "methodNotAllowed" }
  | { readonly error: "notAcceptable"; readonly accepted: readonly string[] }
  | { readonly error: "unsupportedMediaType"; readonly accepted: readonly string[] }
  | { readonly error: "requestEntityTooLarge"; readonly message: string }
  | { readonly error: "tooManyRequests"; readonly message: string; readonly retryAfterSeconds: number }
  /** Nothing of what went wrong is told, but the id under which the log has it. */
  | { readonly error: "internal"; readonly incident: string }
  /** Something we depend on refuses; the message says what somebody has to change. */
  | { readonly error: "refused"; readonly message: string }
  | { readonly error: "serviceUnavailable"; readonly message: string; readonly retryAfterSeconds: number }
  | { readonly error: "timeout"; readonly message: string };

/** The wording of https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go (v1.35), which tools and people know. */
export function statusOf(problem: ApiError): FailureStatus {
  switch (problem.error) {
    case "notFound":
      return failure(404, "NotFound", `${shown(problem.subject)} not found`, detailsOf(problem.subject));
    case "noSuchPath":
      return failure(404, "NotFound", "the server could not find the requested resource", {});
    case "alreadyExists":
      return failure(409, "AlreadyExists", `${shown(problem.subject)} already exists`, detailsOf(problem.subject));
    case "conflict":
      return conflict(
        problem.subject,
        problem.because ?? "the object has been modified; please apply your changes to the latest version and try again",
      );
    case "applyConflict":
      return applyConflict(problem.conflicts);
    case "invalid":
      return invalid(problem);
    case "unknownFields":
      return unknownFields(problem);
    case "forbidden":
      return failure(403, "Forbidden", `${shown(problem.subject)} is forbidden: ${problem.because}`, detailsOf(problem.subject));
    case "forbiddenPath":
      return failure(
        403,
        "Forbidden",
        `forbidden: User ${JSON.stringify(problem.user)} cannot ${problem.verb} path ${JSON.stringify(problem.path)}`,
        {},
      );
    case "namespaceTerminating":
      return namespaceTerminating(problem.subject, problem.namespace);
    case "unauthorized":
      return failure(401, "Unauthorized", problem.because === undefined ? "Unauthorized" : `Unauthorized: ${problem.because}`);
    case "badRequest":
      return failure(400, "BadRequest", problem.message);
    case "expired":
      return {
        ...failure(410, "Expired", problem.message),
        metadata: problem.continue === undefined ? {} : { continue: problem.continue },
      };
    case "resourceVersionTooLarge":
      return failure(504, "Timeout", `Timeout: Too large resource version: ${String(problem.asked)}, current: ${String(problem.current)}`, {
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      });
    case "methodNotAllowed":
      return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    case "notAcceptable":
      return failure(406, "NotAcceptable", `only the following media types are accepted: ${problem.accepted.join(", ")}`);
    case "unsupportedMediaType":
      return failure(
        415,
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: ${problem.accepted.join(", ")}`,
      );
    case "requestEntityTooLarge":
      return failure(413, "RequestEntityTooLarge", `Request entity too large: ${problem.message}`);
    case "tooManyRequests":
      return failure(429, "TooManyRequests", problem.message, { retryAfterSeconds: problem.retryAfterSeconds });
    case "internal":
      return failure(
        500,
        "InternalError",
        `Internal error occurred: incident ${problem.incident}; the server's log has the details under this id`,
      );
    case "refused":
      return failure(500, "InternalError", `Internal error occurred: ${problem.message}`);
    case "serviceUnavailable":
      return failure(503, "ServiceUnavailable", problem.message, { retryAfterSeconds: problem.retryAfterSeconds });
    case "timeout":
      return failure(504, "Timeout", `Timeout: ${problem.message}`);
  }
}

/** What a delete answers when the object is gone; `subject.name` is "" for a whole collection. */
export function success(subject: Subject, uid?: string): Status {
  const details = { ...detailsOf(subject), ...(uid === undefined ? {} : { uid }) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

/** Why somebody may not do something, in the words of Kubernetes' RBAC authoriser: the `because` of `forbidden`. */
export function cannot(asked: {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
}): string {
  const resource = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const scope = asked.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(asked.namespace)}`;
  return `User ${JSON.stringify(asked.user)} cannot ${asked.verb} resource "${resource}" in API group "${asked.group}" ${scope}`;
}

/** Thrown where a request fails with one entry of the table. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly problem: ApiError;

  constructor(problem: ApiError, options: { readonly cause?: unknown } = {}) {
    super(statusOf(problem).message, { cause: options.cause });
    this.problem = problem;
  }
}

/** A field problem as a line: `spec.path: Invalid value: "…" is no folder; write …`. */
export const problemLine = (problem: FieldProblem): string =>
  problem.path === "" ? problemText(problem) : `${problem.path}: ${problemText(problem)}`;

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): FailureStatus {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}

/** `syncs.slipway.dev`; a plural alone in the core group. */
const qualified = ({ group, resource }: { readonly group: string; readonly resource: string }): string =>
  group === "" ? resource : `${resource}.${group}`;

const shown = (subject: Subject): string =>
  subject.name === "" ? qualified(subject) : `${qualified(subject)} ${JSON.stringify(subject.name)}`;

const detailsOf = ({ group, resource, name }: Subject, kind = resource): StatusDetails => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind,
});

const conflict = (subject: Subject, because: string): FailureStatus =>
  failure(409, "Conflict", `Operation cannot be fulfilled on ${shown(subject)}: ${because}`, detailsOf(subject));

function applyConflict(conflicts: readonly Conflict[]): FailureStatus {
  const causes = conflicts.flatMap(({ reason, fields }) =>
    fields.map((field) => ({ reason: "FieldManagerConflict", message: reason, field })),
  );
  return failure(409, "Conflict", conflictMessage(conflicts), { causes });
}

function invalid({ subject, kind, problems }: Extract<ApiError, { readonly error: "invalid" }>): FailureStatus {
  const causes = problems.map((problem) => ({ reason: CAUSES[problem.code].reason, message: problemText(problem), field: problem.path }));
  const lines = problems.map(problemLine);
  const message = `${qualified({ group: subject.group, resource: kind })} ${JSON.stringify(subject.name)} is invalid: ${lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`}`;
  return failure(422, "Invalid", message, { ...detailsOf({ ...subject, name: subject.name }, kind), causes });
}

function unknownFields({ version, kind, problems }: Extract<ApiError, { readonly error: "unknownFields" }>): FailureStatus {
  const list = problems.map(unknownFieldText).join(", ");
  return failure(
    400,
    "BadRequest",
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: strict decoding error: ${list}`,
  );
}

/** Also the text of the Warning header where `fieldValidation=Warn`. */
export const unknownFieldText = ({ message, hint }: FieldProblem): string => (hint === undefined ? message : `${message} (${hint})`);

function namespaceTerminating(subject: Subject, namespace: string): FailureStatus {
  const because = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = { reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" };
  return failure(403, "Forbidden", `${shown(subject)} is forbidden: ${because}`, { ...detailsOf(subject), causes: [cause] });
}

function problemText({ code, message, hint }: FieldProblem): string {
  const { words } = CAUSES[code];
  return `${words}: ${message}${hint === undefined ? "" : `; ${hint}`}`;
}

/** `field.ErrorType` and its words: https://github.com/kubernetes/apimachinery/blob/master/pkg/util/validation/field/errors.go (v1.35) */
const CAUSES: Readonly<Record<FieldProblemCode, { readonly reason: string; readonly words: string }>> = {
  required: { reason: "FieldValueRequired", words: "Required value" },
  invalid: { reason: "FieldValueInvalid", words: "Invalid value" },
  immutable: { reason: "FieldValueInvalid", words: "Invalid value" },
  unknownField: { reason: "FieldValueInvalid", words: "Invalid value" },
  duplicate: { reason: "FieldValueDuplicate", words: "Duplicate value" },
  notSupported: { reason: "FieldValueNotSupported", words: "Unsupported value" },
  forbidden: { reason: "FieldValueForbidden", words: "Forbidden" },
  tooLong: { reason: "FieldValueTooLong", words: "Too long" },
  typeInvalid: { reason: "FieldValueTypeInvalid", words: "Invalid value" },
};
