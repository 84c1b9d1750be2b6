import type { ApiFailure } from "../../api/status.ts";
import { parseResourceVersion, type ResourceVersion } from "../../domain/object/api-object.ts";
import {
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
  type FieldSelector,
  type LabelSelector,
} from "../../domain/object/selector.ts";
import { later, seconds, type Instant } from "../../domain/units.ts";
import type { ListQuery, Selection } from "../../ports/resources.ts";
import type { Ask, WriteOptions } from "../verbs/ask.ts";
import { policyOf, type DeleteOptions } from "../verbs/delete.ts";
import type { ListAsk } from "../verbs/list.ts";
import type { PatchOptions } from "../verbs/patch.ts";
import { badRequest, invalidOption } from "../verbs/refuse.ts";
import type { WatchAsk } from "../verbs/watch.ts";
import { parseContinueToken } from "./continue-token.ts";

/**
 * The queries of the API: https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/
 * Of a parameter given twice the first one counts, as in Go. All functions throw ApiFailure (400, 422) that names the parameter.
 */
export type Query = URLSearchParams;

export function writeOptionsOf(query: Query, userAgent: string | undefined): WriteOptions {
  const why = query.get("slipwayWhy");
  return {
    dryRun: dryRunOf(query),
    manager: managerOf(query, userAgent),
    validation: validationOf(query),
    ...(why === null || why === "" ? {} : { why: why.slice(0, 500) }),
  };
}

export function patchOptionsOf(query: Query, userAgent: string | undefined, isApply: boolean): PatchOptions {
  const options = writeOptionsOf(query, isApply ? "" : userAgent);
  const force = flagOf(query, "force");
  if (force && !isApply) throw invalidOption("PatchOptions", "force", "forbidden", "may not be specified for non-apply patch");
  return { ...options, force };
}

export function deleteOptionsOfQuery(query: Query): DeleteOptions {
  const orphan = query.get("orphanDependents");
  const policy = policyOf(query.get("propagationPolicy") ?? undefined, orphan === null ? undefined : orphan === "true");
  const why = query.get("slipwayWhy");
  return {
    dryRun: dryRunOf(query),
    ...(policy === undefined ? {} : { policy }),
    ...(why === null || why === "" ? {} : { why: why.slice(0, 500) }),
  };
}

export const isWatch = (query: Query): boolean => flagOf(query, "watch");

export function listAskOf(ask: Ask, query: Query): ListAsk {
  const token = query.get("continue") ?? "";
  const limit = limitOf(query);
  const match = query.get("resourceVersionMatch") ?? "";
  const version = versionOf(query);
  if (match !== "" && match !== "Exact" && match !== "NotOlderThan")
    throw invalidOption(
      "ListOptions",
      "resourceVersionMatch",
      "notSupported",
      `"${shown(match)}": supported values: "Exact", "NotOlderThan", ""`,
    );
  if (match !== "" && version === undefined) throw forbiddenMatch("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match !== "" && token !== "") throw forbiddenMatch("resourceVersionMatch is forbidden when continue is provided");
  if (match === "Exact" && version === 0) throw forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (token !== "" && version !== undefined && version !== 0)
    throw badRequest("specifying resource version is not allowed when using continue");
  const base: ListQuery = { ...selectionOf(ask, query), ...(limit === undefined ? {} : { limit }) };
  if (token !== "") return { query: { ...base, after: parseContinueToken(token) } };
  if (version === undefined || version === 0) return { query: base };
  return match === "Exact" ? { query: { ...base, at: version } } : { query: base, notOlderThan: version };
}

/** Watches end by themselves, at a moment that differs between clients, so that they do not all come back at once. */
const SHORTEST_DEFAULT_SECONDS = 1800;

export function watchAskOf(ask: Ask, query: Query, now: Instant, chance: number): WatchAsk {
  const version = versionOf(query);
  const sendsInitial = query.get("sendInitialEvents");
  checkInitialEvents(query, sendsInitial);
  const timeout = numberOf(query, "timeoutSeconds") ?? SHORTEST_DEFAULT_SECONDS * (1 + chance);
  const isAnywhere = version === undefined || version === 0;
  const startsWithList = sendsInitial === null ? isAnywhere : flagOf(query, "sendInitialEvents");
  return {
    query: selectionOf(ask, query),
    start: startsWithList ? { list: isAnywhere ? undefined : version } : { from: isAnywhere ? "now" : version },
    bookmarks: flagOf(query, "allowWatchBookmarks"),
    marksInitialEnd: sendsInitial !== null && startsWithList,
    until: later(now, seconds(Math.min(timeout, 24 * 3600))),
  };
}

function checkInitialEvents(query: Query, sendsInitial: string | null): void {
  const match = query.get("resourceVersionMatch") ?? "";
  if (sendsInitial === null) {
    if (match !== "") throw forbiddenMatch("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return;
  }
  if (match !== "NotOlderThan") throw forbiddenMatch("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
}

export function selectionOf(ask: Ask, query: Query): Selection {
  const labels = labelsOf(query.get("labelSelector") ?? "");
  const fields = fieldsOf(ask, query.get("fieldSelector") ?? "");
  return {
    group: ask.kind.group,
    resource: ask.kind.resource,
    ...(ask.namespace === "" ? {} : { namespace: ask.namespace }),
    ...(labels.length === 0 ? {} : { labels }),
    ...(fields.length === 0 ? {} : { fields }),
  };
}

const LONGEST_SELECTOR = 8192;

function labelsOf(text: string): LabelSelector {
  if (text.length > LONGEST_SELECTOR) throw badRequest(`labelSelector is longer than ${LONGEST_SELECTOR} characters`);
  return readingSelector("labelSelector", () => parseLabelSelector(text));
}

function fieldsOf(ask: Ask, text: string): FieldSelector {
  if (text.length > LONGEST_SELECTOR) throw badRequest(`fieldSelector is longer than ${LONGEST_SELECTOR} characters`);
  const selector = readingSelector("fieldSelector", () => parseFieldSelector(text));
  const known = ["metadata.name", "metadata.namespace", ...Object.keys(ask.kind.fields ?? {})];
  for (const { field } of selector)
    if (!known.includes(field))
      throw badRequest(
        `Unable to find ${ask.kind.kind} that match field selector "${shown(text)}": field label not supported: ${shown(field)}; these are: ${known.join(", ")}`,
      );
  return selector;
}

function readingSelector<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(`unable to parse ${name}: ${error.message}`);
    throw error;
  }
}

function versionOf(query: Query): ResourceVersion | undefined {
  const text = query.get("resourceVersion") ?? "";
  if (text === "") return undefined;
  const version = parseResourceVersion(text);
  if (version === undefined)
    throw badRequest(`resourceVersion: Invalid value: "${shown(text)}": it is a number that an earlier answer gave`);
  return version;
}

/** 0 means no limit, as in Go; a negative one is refused. */
function limitOf(query: Query): number | undefined {
  const limit = numberOf(query, "limit");
  return limit === undefined || limit === 0 ? undefined : limit;
}

function numberOf(query: Query, name: string): number | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: Invalid value: "${shown(text)}": must be a whole number that is not negative`);
  return Number(text);
}

/** As Go's conversion of query values: a parameter that is there without a value is true. */
function flagOf(query: Query, name: string): boolean {
  const text = query.get(name);
  if (text === null) return false;
  return !["false", "0"].includes(text.toLowerCase());
}

function dryRunOf(query: Query): boolean {
  const words = query.getAll("dryRun").filter((word) => word !== "");
  if (words.every((word) => word === "All")) return words.length > 0;
  throw invalidOption("CreateOptions", "dryRun", "notSupported", `${JSON.stringify(words.map(shown))}: supported values: "All"`);
}

function validationOf(query: Query): WriteOptions["validation"] {
  const word = query.get("fieldValidation") ?? "";
  if (word === "") return "Warn";
  if (word === "Ignore" || word === "Warn" || word === "Strict") return word;
  throw invalidOption("CreateOptions", "fieldValidation", "notSupported", `"${shown(word)}": supported values: "Ignore", "Warn", "Strict"`);
}

const LONGEST_MANAGER = 128;

/** The name given, else the program's name: the part of the User-Agent before the first slash. */
function managerOf(query: Query, userAgent: string | undefined): string {
  const given = query.get("fieldManager") ?? "";
  if (Buffer.byteLength(given) > LONGEST_MANAGER)
    throw invalidOption("CreateOptions", "fieldManager", "tooLong", `may not be longer than ${LONGEST_MANAGER} bytes`);
  if (/\p{C}/u.test(given)) throw invalidOption("CreateOptions", "fieldManager", "invalid", "should only contain printable characters");
  if (given !== "" || userAgent === "") return given;
  const program = (userAgent ?? "unknown").split("/")[0] ?? "";
  return program.replaceAll(/[^\x20-\x7e]/g, "").slice(0, LONGEST_MANAGER) || "unknown";
}

const shown = (text: string): string => text.slice(0, 100);
const forbiddenMatch = (message: string): ApiFailure => invalidOption("ListOptions", "resourceVersionMatch", "forbidden", message);
