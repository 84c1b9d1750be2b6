import type { Status } from "../../api/status.ts";
import { statusOf } from "../../api/status.ts";
import { problemIn, statusFor } from "../../api/status-for.ts";
import type { Catalog } from "../../api/catalog.ts";
import { ApiRefusal } from "../../ports/kubernetes-api.ts";
import { ResourceError } from "../../ports/resources.ts";
import { InvalidObject, Refused } from "../admission/refusals.ts";

/** The Status for anything that was thrown; what nobody foresaw is told by its incident id only. */
export function statusOfError(error: unknown, catalog: Catalog, incident: string): Status {
  if (error instanceof InvalidObject && error.key !== undefined)
    return statusOf({
      error: "invalid",
      subject: error.key,
      kind: catalog.byKey(error.key)?.kind ?? error.key.resource,
      problems: error.problems,
    });
  if (error instanceof ResourceError && error.reason === "invalid" && error.key !== undefined) return invalid(error, error.key, catalog);
  if (error instanceof Refused && error.key !== undefined)
    return statusOf({ error: "forbidden", subject: error.key, because: error.because });
  if (error instanceof ResourceError && error.reason === "conflict" && error.key !== undefined && error.message.includes("Precondition"))
    return statusOf({ error: "conflict", subject: error.key, because: error.message.replace(/^.*?: /, "") });
  if (error instanceof ApiRefusal)
    return failure(
      error.code,
      error.reason,
      error.message,
      error.causes.map((cause) => ({ reason: "FieldValueInvalid", ...cause })),
    );
  return statusFor(error, incident);
}

/** Whether the error is one that a request can be expected to meet; anything else is a bug and belongs in the log. */
export const isForeseen = (error: unknown): boolean =>
  error instanceof ApiRefusal || error instanceof ResourceError || problemIn(error) !== undefined;

function invalid(error: ResourceError, key: NonNullable<ResourceError["key"]>, catalog: Catalog): Status {
  const kind = catalog.byKey(key)?.kind ?? key.resource;
  return statusOf({ error: "invalid", subject: key, kind, problems: [{ path: "", code: "invalid", message: error.message }] });
}

function failure(
  code: number,
  reason: string,
  message: string,
  causes: readonly { readonly reason: string; readonly message: string; readonly field?: string }[],
): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: reason as NonNullable<Status["reason"]>, // the port gives the word of a Kubernetes Status
    ...(causes.length === 0 ? {} : { details: { causes } }),
    code,
  };
}
