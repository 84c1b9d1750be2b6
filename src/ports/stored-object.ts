import type { ApiObject, ObjectKey, ResourceVersion } from "../domain/object/api-object.ts";
import type { StoredObject } from "./resources.ts";

/**
 * A StoredObject whose text is parsed when it is first looked into. The text may be a function: then it is opened at the first look,
 * so that one sealed object that does not open stops nobody who does not look at it.
 */
export function storedObject(
  key: ObjectKey,
  uid: string,
  resourceVersion: ResourceVersion,
  json: string | (() => string),
  parsed?: ApiObject,
): StoredObject {
  return new LazyObject(key, uid, resourceVersion, json, parsed);
}

/** The same text, without what was parsed of it: for whoever keeps many and looks into few. Parsed, an object takes several times its text. */
export function unparsed(stored: StoredObject): StoredObject {
  return stored instanceof LazyObject ? stored.unparsed() : stored;
}

/** The same state told at another version: an object that leaves a selection is shown as it was, at the version of the change. */
export function atVersion(stored: StoredObject, version: ResourceVersion): StoredObject {
  const object = { ...stored.object, metadata: { ...stored.object.metadata, resourceVersion: String(version) } };
  return storedObject(stored.key, stored.uid, version, JSON.stringify(object), object);
}

class LazyObject implements StoredObject {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly resourceVersion: ResourceVersion;
  #json: string | (() => string);
  #parsed: ApiObject | undefined;

  constructor(key: ObjectKey, uid: string, resourceVersion: ResourceVersion, json: string | (() => string), parsed: ApiObject | undefined) {
    this.key = key;
    this.uid = uid;
    this.resourceVersion = resourceVersion;
    this.#json = json;
    this.#parsed = parsed;
  }

  get json(): string {
    if (typeof this.#json !== "string") this.#json = this.#json();
    return this.#json;
  }

  unparsed(): StoredObject {
    return new LazyObject(this.key, this.uid, this.resourceVersion, this.#json, undefined);
  }

  get object(): ApiObject {
    return (this.#parsed ??= parse(this.json));
  }
}

function parse(json: string): ApiObject {
  return JSON.parse(json) as ApiObject; // what a store holds was written by decideCommit, which takes only ApiObject
}
