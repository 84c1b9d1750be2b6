import type { ServedKind } from "../api/client/discovery.ts";
import { isJsonObject, type ApiObject, type JsonObject } from "../api/client/json.ts";
import { textAt } from "../api/columns.ts";
import { StatusError } from "../api/client/status-error.ts";
import { ageOfTime } from "./age.ts";
import type { Exit } from "./exit-codes.ts";
import { outputOf } from "./output.ts";
import { printable } from "./printable.ts";
import { valueText } from "./print-value.ts";
import type { CommonFlags, Session } from "./session.ts";
import { objectIfThere, objectOf, requireKind, type Target, targetNamed } from "./targets.ts";
import { eventTime, type Neighbour, type Why, whyObject, whyRepository, whySync } from "./why-sentence.ts";

/** One sentence: what is in the way of an object, or that nothing is. Ends with `blocked` (5) in the first case. */
export async function why(session: Session, flags: CommonFlags, text: string): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const target = await targetNamed(session, text);
  const found = await whyOf(session, target, await objectOf(session, target));
  const { terminal } = session;
  if (format !== undefined) terminal.outStyled(await valueText({ ...found }, format));
  else {
    const age = ageOfTime(found.since, session.now());
    const since = age === "" || found.since === undefined ? "" : ` (for ${age}, since ${found.since})`;
    terminal.outStyled(
      `${terminal.style(found.blocked ? "bad" : "good", printable(found.sentence))}${terminal.style("dim", printable(since))}\n`,
    );
  }
  return found.blocked ? "blocked" : "ok";
}

async function whyOf(session: Session, { kind, place }: Target, object: ApiObject): Promise<Why> {
  const neighbour = async (resource: string, group: string, name: string): Promise<Neighbour> => {
    if (name === "") return "notNamed";
    const of: ServedKind = await requireKind(session, resource, group);
    return objectIfThere(session, { kind: of, place: { namespace: place.namespace, name } });
  };
  const secretOf = (repository: Neighbour): Promise<Neighbour> =>
    neighbour("secrets", "", typeof repository === "string" ? "" : textAt(repository, "spec", "secretRef", "name"));
  if (kind.resource === "syncs") {
    const repository = await neighbour("gitrepositories", "slipway.dev", textAt(object, "spec", "source", "repository"));
    const account = await neighbour("serviceaccounts", "", textAt(object, "spec", "serviceAccountName"));
    return whySync(object, { repository, account, secret: await secretOf(repository) });
  }
  if (kind.resource === "gitrepositories") return whyRepository(object, await secretOf(object));
  return whyObject(object, await latestWarning(session, object));
}

async function latestWarning(session: Session, object: ApiObject): Promise<JsonObject | undefined> {
  const events = await requireKind(session, "events", "");
  const namespace = object.metadata.namespace ?? "default";
  const fields = `involvedObject.uid=${object.metadata.uid ?? ""},type=Warning`;
  try {
    const { items } = await session.client.list(events, { namespace, fields });
    return items
      .filter(isJsonObject)
      .sort((a, b) => (eventTime(a) < eventTime(b) ? -1 : 1))
      .at(-1);
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 403) return undefined; // who may not read events is told what the object says
    throw error;
  }
}
