import type { JsonObject } from "../api/client/json.ts";
import { at, listAt, textAt } from "../api/columns.ts";
import { comparable } from "./comparable.ts";
import { type Desired, desiredOf, waitsForNamespace } from "./desired.ts";
import { CliError, type Exit } from "./exit-codes.ts";
import { readManifests } from "./manifests.ts";
import { outputOf } from "./output.ts";
import { printable } from "./printable.ts";
import { valueText, yamlText } from "./print-value.ts";
import { type CommonFlags, MANAGER, type Session } from "./session.ts";
import { objectIfThere, objectOf, targetNamed } from "./targets.ts";
import { unifiedDiff } from "./unified-diff.ts";

export interface DiffFlags extends CommonFlags {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly forceConflicts?: boolean;
}

interface Difference {
  readonly object: string;
  readonly namespace: string;
  readonly diff: readonly string[];
}

/** What `apply` of the same files would change, by a dry run on the server; of `sync/NAME` what is not as Git says. Ends with `failed` (1) when there are differences. */
export async function diff(session: Session, flags: DiffFlags, target: string | undefined): Promise<Exit> {
  const files = flags.filename ?? [];
  if ((target === undefined) === (files.length === 0)) throw new CliError("misused", "diff takes either files (-f FILE) or sync/NAME");
  const format = outputOf(flags.output, ["json", "yaml"]);
  const differences = target === undefined ? await fileDifferences(session, flags, files) : await syncDifferences(session, target);
  if (format !== undefined)
    session.terminal.outStyled(
      await valueText(
        differences.map((one) => ({ ...one })),
        format,
      ),
    );
  else for (const { diff: lines } of differences) session.terminal.outStyled(lines.map((line) => `${coloured(session, line)}\n`).join(""));
  return differences.length === 0 ? "ok" : "failed";
}

async function fileDifferences(session: Session, flags: DiffFlags, files: readonly string[]): Promise<readonly Difference[]> {
  const manifests = await readManifests(files, { recursive: flags.recursive === true });
  const all = desiredOf(manifests, await session.client.kinds(), { asked: flags.namespace, otherwise: session.namespace });
  const differences: Difference[] = [];
  for (const desired of all) {
    const lines = await differenceOf(session, desired, all, flags.forceConflicts === true);
    if (lines.length > 0)
      differences.push({ object: `${desired.kind.singular}/${desired.place.name}`, namespace: desired.place.namespace, diff: lines });
  }
  return differences;
}

async function differenceOf(session: Session, desired: Desired, all: readonly Desired[], force: boolean): Promise<readonly string[]> {
  const live = await objectIfThere(session, desired);
  if (live === "unknown")
    throw new CliError(
      "forbidden",
      `${desired.where}: ${session.access.user} may not read ${desired.kind.resource}, so there is nothing to compare with`,
    );
  const merged = await mergedOf(session, desired, all, force);
  const { before, after } = comparable({ before: live === "absent" ? undefined : live, after: merged });
  const name = `${desired.kind.singular}/${desired.place.name}${desired.place.namespace === "" ? "" : ` (${desired.place.namespace})`}`;
  const [old, next] = await Promise.all([before, after].map(async (side) => (side === undefined ? "" : yamlText(side))));
  return unifiedDiff(old ?? "", next ?? "", {
    before: before === undefined ? "/dev/null" : `live ${name}`,
    after: `${desired.where} ${name}`,
  });
}

/** What the object would be; in a namespace that is still to be made: what the file says. */
async function mergedOf(session: Session, desired: Desired, all: readonly Desired[], force: boolean): Promise<JsonObject> {
  try {
    const { kind, place, object } = desired;
    return (await session.client.apply(kind, place, object, { manager: MANAGER, dryRun: true, force })).object;
  } catch (error) {
    if (waitsForNamespace(desired, all, error)) return desired.object;
    throw error;
  }
}

/** What the controller found: a Sync that heals itself has put right what it could. */
async function syncDifferences(session: Session, text: string): Promise<readonly Difference[]> {
  const target = await targetNamed(session, text);
  if (target.kind.resource !== "syncs") throw new CliError("misused", `diff knows files (-f FILE) and sync/NAME; ${text} is neither`);
  const sync = await objectOf(session, target);
  return listAt(sync, "status", "drift").map((item) => {
    const object = `${textAt(item, "kind").toLowerCase()}/${textAt(item, "name")}`;
    const fields = listAt(item, "fields").filter((field) => typeof field === "string");
    return {
      object,
      namespace: textAt(item, "namespace"),
      diff: [driftLine(object, textAt(item, "change"), fields, at(sync, "status", "commit"))],
    };
  });
}

function driftLine(object: string, change: string, fields: readonly string[], commit: JsonObject[string]): string {
  const revision = typeof commit === "string" ? ` at ${commit.slice(0, 12)}` : "";
  switch (change) {
    case "missing":
      return `- ${object} is in Git${revision}, and not here`;
    case "extra":
      return `+ ${object} is here, and not in Git${revision}`;
    default:
      return `~ ${object} is not as in Git${revision}${fields.length === 0 ? "" : `: ${fields.join(", ")}`}`;
  }
}

function coloured({ terminal }: Session, line: string): string {
  const safe = printable(line);
  if (line.startsWith("+")) return terminal.style("good", safe);
  if (line.startsWith("-")) return terminal.style("bad", safe);
  return line.startsWith("@@") ? terminal.style("dim", safe) : safe;
}
