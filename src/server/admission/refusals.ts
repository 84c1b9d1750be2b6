import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { cannot, problemLine } from "../../api/status.ts";
import { ResourceError } from "../../ports/resources.ts";
import type { Caller, ResourceAttributes } from "../caller.ts";

/** An object that breaks the rules of its kind; all that is wrong with it. The HTTP server answers 422. */
export class InvalidObject extends ResourceError {
  readonly problems: readonly FieldProblem[];

  constructor(key: ObjectKey, problems: readonly FieldProblem[]) {
    super("invalid", `${qualified(key)} is invalid: ${problems.map(problemLine).join(", ")}`, { key });
    this.problems = problems;
  }
}

/** A write or read that is not allowed; `because` is the reason without the name of the object. */
export class Refused extends ResourceError {
  readonly because: string;

  constructor(key: ObjectKey, because: string) {
    super("forbidden", `${qualified(key)} is forbidden: ${because}`, { key });
    this.because = because;
  }
}

/** "syncs.slipway.dev "app"", "namespaces "shop"": how the API server names an object in its sentences. */
export function qualified(key: Pick<ObjectKey, "group" | "resource" | "name">): string {
  return key.name === "" ? resourceName(key) : `${resourceName(key)} ${JSON.stringify(key.name)}`;
}

/** "syncs.slipway.dev"; a resource of the core group is its plural alone. */
export function resourceName(key: Pick<ObjectKey, "group" | "resource">): string {
  return key.group === "" ? key.resource : `${key.resource}.${key.group}`;
}

export const notFound = (key: ObjectKey): ResourceError => new ResourceError("notFound", `${qualified(key)} not found`, { key });

/** The sentence of the API server; scripts look for it. */
export const conflict = (
  key: ObjectKey,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): ResourceError => new ResourceError("conflict", `Operation cannot be fulfilled on ${qualified(key)}: ${why}`, { key });

/** `User "jane" cannot create resource "syncs" in API group "slipway.dev" in the namespace "shop"`, and why in the authoriser's words. */
export function forbidden(caller: Caller, asked: ResourceAttributes, reason: string): Refused {
  const sentence = cannot({ user: caller.name, ...asked });
  return new Refused(asked, reason === "" ? sentence : `${sentence}: ${reason}`);
}
