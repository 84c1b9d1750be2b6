import type { IncomingMessage } from "node:http";
import { ApiFailure } from "../../api/status.ts";
import { ApiRefusal } from "../../ports/kubernetes-api.ts";
import { impersonated } from "../access/impersonation.ts";
import { badRequest } from "../verbs/refuse.ts";
import type { Authenticator, Authorizer, Caller } from "../caller.ts";

export interface Identification {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
}

/** Who a request is from, by its bearer token and the headers of impersonation. Throws ApiFailure 401 or 400, ApiRefusal 403. */
export async function callerOf(parts: Identification, request: IncomingMessage): Promise<Caller> {
  const given = request.headersDistinct["authorization"] ?? [];
  // Something on the way may have looked at the other one.
  if (given.length > 1) throw badRequest("the request has more than one Authorization header; send one");
  const caller = await parts.authenticator.authenticate(bearerOf(given[0]));
  if ("refused" in caller) throw new ApiFailure({ error: "unauthorized", because: caller.refused });
  const other = await impersonated(caller, request.headersDistinct, parts.authorizer);
  if (!("refused" in other)) return other;
  throw other.code === 400 ? badRequest(other.refused) : new ApiRefusal(403, "Forbidden", other.refused);
}

const bearerOf = (header: string | undefined): string | undefined => /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
