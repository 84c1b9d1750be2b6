import { ApiFailure } from "../../api/status.ts";
import type { FieldProblemCode } from "../../domain/object/field-problem.ts";
import { keyOf, type Ask } from "./ask.ts";

/** The request itself is wrong, whatever is stored. */
export const badRequest = (message: string): ApiFailure => new ApiFailure({ error: "badRequest", message });

/** A body in a form that is not read here; says which are. */
export const unsupportedMediaType = (accepted: readonly string[]): ApiFailure =>
  new ApiFailure({ error: "unsupportedMediaType", accepted });

/** A patch that cannot be applied to the object as it is. */
export const patchFails = (ask: Ask, message: string): ApiFailure =>
  new ApiFailure({ error: "invalid", subject: keyOf(ask), kind: ask.kind.kind, problems: [{ path: "", code: "invalid", message }] });

/** An option of the request that cannot be: `options` is ListOptions, CreateOptions … */
export const invalidOption = (options: string, path: string, code: FieldProblemCode, message: string): ApiFailure =>
  new ApiFailure({
    error: "invalid",
    subject: { group: "meta.k8s.io", resource: options, name: "" },
    kind: options,
    problems: [{ path, code, message }],
  });
