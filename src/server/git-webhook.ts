import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { isJsonObject } from "../domain/object/json.ts";
import type { Resources } from "../ports/resources.ts";
import type { WorkQueue } from "../ports/work.ts";
import type { ExtraRoute } from "./http/routes.ts";

/**
 * `POST /hooks/git/<namespace>/<name>`: a Git server says that there is something new, and the GitRepository is looked at now. The call says nothing that
 * is believed but "look": what is there is read from the repository. Authenticated with the key `token` of the Secret in spec.webhook; every refusal
 * looks the same, so that nobody learns which repositories exist. Repeating a call is harmless.
 */
export function gitWebhook({ resources, work }: { readonly resources: Resources; readonly work: WorkQueue }): ExtraRoute {
  return {
    method: "POST",
    prefix: ["hooks", "git"],
    answer: async ({ rest, headers, body }) => {
      const [namespace, name, ...more] = rest;
      if (namespace === undefined || name === undefined || more.length > 0) return REFUSED;
      const key: ObjectKey = { group: "slipway.dev", resource: "gitrepositories", namespace, name };
      const webhook = await webhookOf(resources, key);
      if (webhook === undefined || !isAuthentic(webhook, headers, body)) return REFUSED;
      await work.wake([{ controller: "git-repository", key }]);
      return { code: 202, body: `GitRepository ${namespace}/${name} is being looked at\n` };
    },
  };
}

const REFUSED = {
  code: 401,
  body: "refused: there is no such webhook, or the call is not signed with the token of its Secret; compare spec.webhook of the GitRepository with the settings of the Git server\n",
};

interface Webhook {
  readonly provider: string;
  readonly token: string;
}

async function webhookOf(resources: Resources, key: ObjectKey): Promise<Webhook | undefined> {
  return resources.snapshot(async (reader) => {
    const repository = await reader.get(key);
    const spec = repository === undefined ? undefined : webhookSpec(repository.object);
    if (spec === undefined) return undefined;
    const secret = await reader.get({ group: "", resource: "secrets", namespace: key.namespace, name: spec.secret });
    const token = secret === undefined ? undefined : tokenIn(secret.object);
    return token === undefined ? undefined : { provider: spec.provider, token };
  });
}

function webhookSpec({ spec }: ApiObject): { readonly provider: string; readonly secret: string } | undefined {
  const webhook = isJsonObject(spec) ? spec["webhook"] : undefined;
  const reference = isJsonObject(webhook) ? webhook["secretRef"] : undefined;
  if (!isJsonObject(webhook) || !isJsonObject(reference) || typeof reference["name"] !== "string") return undefined;
  return { provider: typeof webhook["provider"] === "string" ? webhook["provider"] : "generic", secret: reference["name"] };
}

function tokenIn(secret: ApiObject): string | undefined {
  const data = secret["data"];
  const token = isJsonObject(data) ? data["token"] : undefined;
  const text = typeof token === "string" ? Buffer.from(token, "base64").toString("utf8") : "";
  return text === "" ? undefined : text;
}

/**
 * How each server proves that it knows the token:
 * GitHub https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries,
 * GitLab https://docs.gitlab.com/user/project/integrations/webhooks/ (secret token), Gitea https://docs.gitea.com/usage/webhooks.
 */
function isAuthentic({ provider, token }: Webhook, headers: IncomingHttpHeaders, body: Uint8Array): boolean {
  const signed = (): string => createHmac("sha256", token).update(body).digest("hex");
  switch (provider) {
    case "github":
      return isSame(headers["x-hub-signature-256"], `sha256=${signed()}`);
    case "gitlab":
      return isSame(headers["x-gitlab-token"], token);
    case "gitea":
      return isSame(headers["x-gitea-signature"], signed());
    default:
      return isSame(headers.authorization, `Bearer ${token}`);
  }
}

/** Takes the same time whatever is wrong: both sides are hashed to one length first. */
function isSame(sent: string | readonly string[] | undefined, expected: string): boolean {
  if (typeof sent !== "string") return false;
  const digest = (text: string): Buffer => createHmac("sha256", "slipway").update(text).digest();
  return timingSafeEqual(digest(sent), digest(expected));
}
