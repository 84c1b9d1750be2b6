import type { ServedKind } from "../api/client/discovery.ts";
import type { JsonObject } from "../api/client/json.ts";
import { StatusError } from "../api/client/status-error.ts";
import type { Desired } from "./desired.ts";
import { desiredOf, waitsForNamespace } from "./desired.ts";
import type { Exit } from "./exit-codes.ts";
import { explainError } from "./explain-error.ts";
import { readManifests } from "./manifests.ts";
import { outputOf } from "./output.ts";
import { printable } from "./printable.ts";
import { valueText } from "./print-value.ts";
import { type CommonFlags, MANAGER, type Session } from "./session.ts";
import { objectIfThere } from "./targets.ts";

export interface ApplyFlags extends CommonFlags {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: boolean;
  readonly forceConflicts?: boolean;
  readonly why?: string;
}

interface Result {
  readonly desired: Desired;
  readonly outcome: "created" | "configured" | "unchanged" | "applied" | "failed";
  readonly exit: Exit;
  readonly message: string;
  readonly object?: JsonObject;
}

/** Applies every object of the files, goes on after one that fails, and says of each what came of it. */
export async function apply(session: Session, flags: ApplyFlags): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml", "name"]);
  const manifests = await readManifests(flags.filename, { recursive: flags.recursive === true });
  const all = desiredOf(manifests, await session.client.kinds(), { asked: flags.namespace, otherwise: session.namespace });
  const results: Result[] = [];
  for (const desired of all) {
    const result = await applyOne(session, desired, all, flags);
    if (result.outcome === "failed") session.terminal.note(`${desired.where}: ${fullName(desired)}: ${result.message}`);
    else if (format === undefined) session.terminal.outStyled(resultLine(session, result, flags.dryRun === true));
    else if (format === "name") session.terminal.out(`${fullName(desired)}\n`);
    results.push(result);
  }
  if (format === "json" || format === "yaml") session.terminal.outStyled(await valueText(listOf(results), format));
  return results.find(({ outcome }) => outcome === "failed")?.exit ?? "ok";
}

async function applyOne(session: Session, desired: Desired, all: readonly Desired[], flags: ApplyFlags): Promise<Result> {
  const before = await objectIfThere(session, desired);
  try {
    const { object, created } = await session.client.apply(desired.kind, desired.place, desired.object, {
      manager: MANAGER,
      force: flags.forceConflicts === true,
      dryRun: flags.dryRun === true,
      ...(flags.why === undefined ? {} : { why: flags.why }),
    });
    const same = typeof before === "object" && before.metadata.resourceVersion === object.metadata.resourceVersion;
    // In a dry run the version tells nothing; the generation and managedFields stay where nothing would change.
    const dryUnchanged = flags.dryRun === true && typeof before === "object" && isSame(before, object);
    const isCreated = created || before === "absent";
    const unchanged = flags.dryRun === true ? dryUnchanged : same;
    const outcome = isCreated ? "created" : before === "unknown" ? "applied" : unchanged ? "unchanged" : "configured";
    return { desired, outcome, exit: "ok", message: "", object };
  } catch (error) {
    if (flags.dryRun === true && waitsForNamespace(desired, all, error))
      return { desired, outcome: "created", exit: "ok", message: `not checked: namespace ${desired.place.namespace} is not there yet` };
    const { server, path: kubeconfig, user } = session.access;
    const explained = explainError(error, { server, kubeconfig, user });
    // Without an answer the rest would not get one either.
    if (explained === undefined || !(error instanceof StatusError) || error.status.code === 401) throw error;
    return { desired, outcome: "failed", exit: explained.exit, message: isFieldConflict(error) ? conflictText(error) : explained.message };
  }
}

const isFieldConflict = ({ status }: StatusError): boolean => status.causes.some(({ reason }) => reason === "FieldManagerConflict");

/** Who owns what, and the three ways out: https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts */
function conflictText({ status }: StatusError): string {
  const fields = status.causes.map(({ field, message }) => `  ${field ?? ""}  ${message}`);
  return `somebody else owns fields that this file sets to another value:\n${fields.join("\n")}\nLeave the fields out of the file to let the other one keep them, write the value they have to share them, or take them over with --force-conflicts.`;
}

function isSame(before: JsonObject, after: JsonObject): boolean {
  const plain = (object: JsonObject): string => {
    const { metadata, ...rest } = object;
    const { managedFields: _managed, resourceVersion: _version, ...kept } = metadata as JsonObject; // both were found to be objects of the API
    return JSON.stringify(sorted({ ...rest, metadata: kept }));
  };
  return plain(before) === plain(after);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function resultLine({ terminal }: Session, { desired, outcome, message }: Result, dryRun: boolean): string {
  const word = outcome === "unchanged" ? terminal.style("dim", outcome) : terminal.style("good", outcome);
  return `${printable(fullName(desired))} ${word}${dryRun ? ` (dry run${message === "" ? "" : `; ${printable(message)}`})` : ""}\n`;
}

/** `sync.slipway.dev/shop`, and the namespace is where everything else says it. */
const fullName = ({ kind, place }: { readonly kind: ServedKind; readonly place: { readonly name: string } }): string =>
  `${kind.singular}${kind.group === "" ? "" : `.${kind.group}`}/${place.name}`;

function listOf(results: readonly Result[]): JsonObject {
  const items = results.flatMap(({ object }) => (object === undefined ? [] : [object]));
  const [only] = items;
  return items.length === 1 && only !== undefined && results.length === 1 ? only : { apiVersion: "v1", kind: "List", items };
}
