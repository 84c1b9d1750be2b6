import { type Desired, placeText } from "../../domain/sync/desired.ts";
import type { Comparison, Live } from "../../domain/sync/plan.ts";
import { ApiRefusal, type KubernetesApi } from "../../ports/kubernetes-api.ts";
import { inParallel } from "./in-parallel.ts";

/** How many requests to one API are under way at once. */
export const WIDTH = 16;

export interface CompareOptions {
  /** Names the Sync, for what is remembered. */
  readonly sync: string;
  readonly manager: string;
  readonly force: boolean;
}

/** What the API would do with each object, asked by dry-run; what is remembered to be as desired is not asked again. */
export async function compareAll(
  comparer: Comparer,
  api: KubernetesApi,
  desired: readonly Desired[],
  inventory: readonly Live[],
  options: CompareOptions,
  signal: AbortSignal,
): Promise<readonly Comparison[]> {
  const live = new Map(inventory.map((one) => [placeText(one.place), one]));
  const namespaces = new Set(desired.filter(({ place }) => place.kind === "Namespace").map(({ place }) => place.name));
  return inParallel(desired, WIDTH, async (one) => {
    signal.throwIfAborted();
    const known = live.get(placeText(one.place));
    if (known !== undefined && comparer.isSame(options.sync, known, one)) return { desired: one, difference: "same" };
    // What this Sync applied before is its to put right: a hand that changed it since does not stop it.
    return compareOne(comparer, api, one, namespaces, { ...options, force: options.force || known !== undefined }, signal);
  });
}

async function compareOne(
  comparer: Comparer,
  api: KubernetesApi,
  desired: Desired,
  namespaces: ReadonlySet<string>,
  options: CompareOptions,
  signal: AbortSignal,
): Promise<Comparison> {
  try {
    const { outcome, object } = await api.apply(desired.object, { manager: options.manager, force: options.force, dryRun: true }, signal);
    const { uid = "", resourceVersion = "" } = object.metadata;
    if (outcome === "unchanged") comparer.remember(options.sync, desired, uid, resourceVersion);
    return outcome === "created"
      ? { desired, difference: "absent" }
      : outcome === "unchanged"
        ? { desired, difference: "same" }
        : { desired, difference: "different", decidedOn: resourceVersion, force: options.force };
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    // Its namespace is made by the same sync, in an earlier wave.
    if (error.reason === "NotFound" && namespaces.has(desired.place.namespace)) return { desired, difference: "absent" };
    const field = refusedField(error);
    return { desired, difference: "refused", message: refusalText(error), ...(field === undefined ? {} : { field }) };
  }
}

/** The first field that is wrong: of a cause, or of an unknown field, which Kubernetes names in the message only. A conflict is with somebody else. */
function refusedField({ causes, message, reason }: ApiRefusal): string | undefined {
  if (reason === "Conflict") return undefined;
  const [first] = causes;
  const field = first === undefined ? /unknown field "([^"]+)"/.exec(message)?.[1] : first.field;
  return field === "" ? undefined : field;
}

/** The API's own words, which name what is wrong, and for a missing right what would give it. */
export function refusalText(refusal: ApiRefusal): string {
  // A conflict names its fields in the message already.
  const causes = refusal.reason === "Conflict" ? "" : refusal.causes.map(({ field, message }) => `${field}: ${message}`).join("; ");
  const told = refusal.message.replace(/^.*strict decoding error: /, "");
  const said = causes === "" || told.includes(causes) ? told : `${told} (${causes})`;
  if (refusal.code === 403) return `${said}; or remove the object from this source`;
  if (refusal.reason === "Conflict" && !refusal.causes.some(({ reason }) => reason === "FieldManagerConflict"))
    return `${said}. It was changed while this commit was applied; it is looked at again by itself`;
  if (refusal.reason === "Conflict")
    return `${said}. Remove the field from this file, have the other manager give it up, or set spec.force: true to take it over`;
  return said;
}

/**
 * Remembers which live version was found to be as desired, so that a pass asks only about what moved since. Forgetting costs time, never truth:
 * after a restart everything is compared once.
 */
export class Comparer {
  readonly #known = new Map<string, { readonly uid: string; readonly version: string; readonly identity: string }>();
  readonly #limit: number;

  constructor(limit = 200_000) {
    this.#limit = limit;
  }

  isSame(sync: string, live: Live, { place, identity }: Desired): boolean {
    const known = this.#known.get(`${sync} ${placeText(place)}`);
    return (
      known !== undefined && known.uid === live.uid && known.version === live.object.metadata.resourceVersion && known.identity === identity
    );
  }

  remember(sync: string, { place, identity }: Desired, uid: string, version: string): void {
    const name = `${sync} ${placeText(place)}`;
    this.#known.delete(name);
    // A Map keeps the order of insertion: the oldest entry goes first.
    const [oldest] = this.#known.size < this.#limit ? [] : this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(name, { uid, version, identity });
  }
}
