import { CLUSTER_RECORDS_NAMESPACE } from "../api/record-kind.ts";
import { auditRecordKind } from "../api/kinds/audit-record.ts";
import { timelineRecordKind } from "../api/kinds/timeline-record.ts";
import { apiVersionOf, type Kind } from "../api/kind.ts";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { resourceVersion } from "../domain/object/api-object.ts";
import { matchesFields, matchesLabels, selectableFields } from "../domain/object/selector.ts";
import type { RecordQuery, Records, RecordType, StoredRecord } from "../ports/records.ts";
import { ResourceError } from "../ports/resources.ts";
import type { ListPage, ListQuery, Reader, Resources, StoredObject } from "../ports/resources.ts";
import { storedObject } from "../ports/stored-object.ts";

/** One answer holds at most so many, asked for or not: clients go on by its `continue`. */
const LONGEST_PAGE = 500;
/** One request looks at no more records than this; where a selector finds few, its page is short and says where to go on. */
const MOST_LOOKED_AT = 20_000;

const KINDS: ReadonlyMap<string, { readonly kind: Kind; readonly type: RecordType }> = new Map([
  [auditRecordKind.resource, { kind: auditRecordKind, type: "audit" }],
  [timelineRecordKind.resource, { kind: timelineRecordKind, type: "timeline" }],
]);

/**
 * The same resources, with the records among them as objects that can be read and not written: newest first, one named by its position. So everything
 * that is there for objects (rights, Tables, selectors, discovery) is there for records.
 */
export function withRecords(resources: Resources, records: Records): Resources {
  const readerOf = (reader: Reader): Reader => ({
    get: async (key) => (kindOf(key) === undefined ? reader.get(key) : find(records, key)),
    list: async (query) => (kindOf(query) === undefined ? reader.list(query) : page(reader, records, query)),
  });
  return {
    ...readerOf(resources),
    snapshot: (read) => resources.snapshot((reader) => read(readerOf(reader))),
    watch: (query, from, signal) => resources.watch(query, from, signal),
    commit: async (transaction) => {
      const written = transaction.writes.find(({ key }) => kindOf(key) !== undefined);
      if (written !== undefined)
        throw new ResourceError("forbidden", "records are written with what they tell and cannot be changed", { key: written.key });
      return resources.commit(transaction);
    },
  };
}

const kindOf = ({ group, resource }: Pick<ObjectKey, "group" | "resource">) =>
  group === auditRecordKind.group ? KINDS.get(resource) : undefined;

async function find(records: Records, key: ObjectKey): Promise<StoredObject | undefined> {
  const of = kindOf(key);
  const position = positionIn(key.name);
  if (of === undefined || position === undefined) return undefined;
  const [record] = await records.query({ type: of.type, before: position + 1, limit: 1 });
  return record?.position === position && namespaceOf(record) === key.namespace ? objectOf(of.kind, record) : undefined;
}

async function page(reader: Reader, records: Records, query: ListQuery): Promise<ListPage> {
  const of = kindOf(query);
  // Nothing is stored under these names: this only asks how far the store is.
  const { resourceVersion: version } = await reader.list({ group: query.group, resource: query.resource, limit: 1 });
  const { labels = [], after } = query;
  const before = after === undefined ? undefined : positionIn(after.name);
  const isNone =
    of === undefined || query.linkedTo !== undefined || !matchesLabels(labels, {}) || (after !== undefined && before === undefined);
  if (isNone) return { items: [], resourceVersion: version };
  const { found, next } = await search(records, of.type, query, before);
  const items = found.map((record) => objectOf(of.kind, record));
  if (next === undefined) return { items, resourceVersion: version };
  return { items, resourceVersion: version, next: { at: version, namespace: query.namespace ?? "", name: String(next) } };
}

async function search(
  records: Records,
  type: RecordType,
  query: ListQuery,
  from: number | undefined,
): Promise<{ readonly found: readonly StoredRecord[]; readonly next: number | undefined }> {
  const limit = Math.max(1, Math.min(query.limit ?? LONGEST_PAGE, LONGEST_PAGE));
  const found: StoredRecord[] = [];
  let before = from;
  for (let looked = 0; looked < MOST_LOOKED_AT;) {
    const batch = await newest(records, askedOf(type, query, before), query.namespace);
    looked += batch.length;
    for (const record of batch) {
      if (!isSelected(record, query)) continue;
      found.push(record);
      if (found.length === limit) return { found, next: record.position };
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < LONGEST_PAGE) return { found, next: undefined };
    before = last.position;
  }
  return { found, next: before };
}

/** Records about what is in no namespace are shown in one, beside those about what is in it. */
async function newest(records: Records, asked: RecordQuery, namespace: string | undefined): Promise<readonly StoredRecord[]> {
  if (namespace === undefined) return records.query(asked);
  const within = (name: string) => records.query({ ...asked, about: { ...asked.about, namespace: name } });
  if (namespace !== CLUSTER_RECORDS_NAMESPACE) return namespace === "" ? [] : within(namespace);
  const both = [...(await within(namespace)), ...(await within(""))];
  return both.sort((a, b) => b.position - a.position).slice(0, asked.limit);
}

/** What the store can look up by itself; the rest of a selector is looked at here. */
function askedOf(type: RecordType, { fields = [] }: ListQuery, before: number | undefined): RecordQuery {
  const equal = (field: string): string | undefined => fields.find((part) => part.field === field && part.operator === "equals")?.value;
  const [group, resource, name, actor] = [equal("about.group"), equal("about.resource"), equal("about.name"), equal("actor")];
  return {
    type,
    about: {
      ...(group === undefined ? {} : { group }),
      ...(resource === undefined ? {} : { resource }),
      ...(name === undefined ? {} : { name }),
    },
    ...(actor === undefined ? {} : { actor }),
    ...(before === undefined ? {} : { before }),
    limit: LONGEST_PAGE,
  };
}

function isSelected(record: StoredRecord, { fields = [] }: ListQuery): boolean {
  const { about, actor, reason } = record;
  const own = { "about.group": about.group, "about.resource": about.resource, "about.name": about.name, actor, reason };
  return matchesFields(fields, selectableFields({ ...about, namespace: namespaceOf(record), name: String(record.position) }, own));
}

const namespaceOf = ({ about }: StoredRecord): string => (about.namespace === "" ? CLUSTER_RECORDS_NAMESPACE : about.namespace);

function positionIn(name: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(name) ? Number(name) : undefined;
}

function objectOf(kind: Kind, record: StoredRecord): StoredObject {
  const { position, about, uid: aboutUid, actor, reason, message, details } = record;
  const at = new Date(record.at).toISOString();
  const [name, namespace] = [String(position), namespaceOf(record)];
  const uid = `00000000-0000-4000-8000-${position.toString(16).padStart(12, "0")}`;
  const object: ApiObject = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name, namespace, uid, resourceVersion: name, creationTimestamp: at.replace(/\.\d+Z$/, "Z") },
    at,
    actor,
    reason,
    message,
    about: { ...about, ...(aboutUid === undefined ? {} : { uid: aboutUid }) },
    details,
  };
  const key = { group: kind.group, resource: kind.resource, namespace, name };
  return storedObject(key, uid, resourceVersion(position), JSON.stringify(object), object);
}
