import { nearestName } from "../domain/object/names.ts";
import { apiVersionOf, type Kind } from "./kind.ts";
import { accessTokenKind } from "./kinds/access-token.ts";
import { auditRecordKind } from "./kinds/audit-record.ts";
import { clusterRoleBindingKind } from "./kinds/cluster-role-binding.ts";
import { clusterRoleKind } from "./kinds/cluster-role.ts";
import { eventKind } from "./kinds/event.ts";
import { gitRepositoryKind } from "./kinds/git-repository.ts";
import { localSubjectAccessReviewKind } from "./kinds/local-subject-access-review.ts";
import { namespaceKind } from "./kinds/namespace.ts";
import { releaseBindingKind } from "./kinds/release-binding.ts";
import { roleBindingKind } from "./kinds/role-binding.ts";
import { roleKind } from "./kinds/role.ts";
import { secretKind } from "./kinds/secret.ts";
import { selfSubjectAccessReviewKind } from "./kinds/self-subject-access-review.ts";
import { selfSubjectReviewKind } from "./kinds/self-subject-review.ts";
import { selfSubjectRulesReviewKind } from "./kinds/self-subject-rules-review.ts";
import { serviceAccountKind } from "./kinds/service-account.ts";
import { subjectAccessReviewKind } from "./kinds/subject-access-review.ts";
import { syncKind } from "./kinds/sync.ts";
import { timelineRecordKind } from "./kinds/timeline-record.ts";
import { tokenReviewKind } from "./kinds/token-review.ts";
import { userKind } from "./kinds/user.ts";

/** Every kind the server serves: discovery, validation and the store's derivations are made from this list. */
const KINDS: readonly Kind[] = [
  namespaceKind,
  eventKind,
  secretKind,
  serviceAccountKind,
  roleKind,
  roleBindingKind,
  clusterRoleKind,
  clusterRoleBindingKind,
  selfSubjectAccessReviewKind,
  subjectAccessReviewKind,
  localSubjectAccessReviewKind,
  selfSubjectRulesReviewKind,
  tokenReviewKind,
  selfSubjectReviewKind,
  gitRepositoryKind,
  syncKind,
  releaseBindingKind,
  userKind,
  accessTokenKind,
  auditRecordKind,
  timelineRecordKind,
];

/** The kinds of one API, with the ways to look them up. */
export interface Catalog {
  readonly kinds: readonly Kind[];
  /** By the plural of a URL. */
  readonly byResource: (group: string, version: string, resource: string) => Kind | undefined;
  /** By the plural alone, as an ObjectKey names it: a group has one version of a resource that is stored. */
  readonly byKey: (key: { readonly group: string; readonly resource: string }) => Kind | undefined;
  /** By what a file says: `slipway.dev/v1alpha1`, `Sync`. */
  readonly byKind: (apiVersion: string, kind: string) => Kind | undefined;
  /** The kind whose name (or apiVersion and name) is most like one that does not exist, for "did you mean …?". */
  readonly nearestKind: (apiVersion: string, kind: string) => Kind | undefined;
  /** The same for a plural. */
  readonly nearestResource: (group: string, resource: string) => Kind | undefined;
  /** The groups and versions, in the order of discovery: the core group first. */
  readonly groups: readonly { readonly group: string; readonly versions: readonly string[] }[];
}

/** A catalog of these kinds; the other ones (in tests, later releases) than the server's own too. Throws on two kinds of one name. */
export function catalogOf(kinds: readonly Kind[]): Catalog {
  const byResource = uniquely(kinds, (kind) => `${apiVersionOf(kind)}/${kind.resource}`);
  const byKind = uniquely(kinds, (kind) => `${apiVersionOf(kind)}/${kind.kind}`);
  const byKey = new Map(kinds.map((kind) => [`${kind.group}/${kind.resource}`, kind]));
  return {
    kinds,
    byResource: (group, version, resource) => byResource.get(`${apiVersionOf({ group, version })}/${resource}`),
    byKey: ({ group, resource }) => byKey.get(`${group}/${resource}`),
    byKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    nearestKind: (apiVersion, kind) => {
      const same = kinds.find((candidate) => candidate.kind.toLowerCase() === kind.toLowerCase());
      return (
        same ??
        nearest(
          kinds,
          (candidate) => apiVersionOf(candidate) === apiVersion,
          kind,
          (candidate) => candidate.kind,
        )
      );
    },
    nearestResource: (group, resource) => {
      const lower = resource.toLowerCase();
      const same = kinds.find((candidate) => [candidate.resource, candidate.singular, ...candidate.shortNames].includes(lower));
      return (
        same ??
        nearest(
          kinds,
          (candidate) => candidate.group === group,
          resource,
          (candidate) => candidate.resource,
        )
      );
    },
    groups: groupsOf(kinds),
  };
}

/** What Slipway serves. */
export const catalog: Catalog = catalogOf(KINDS);

function uniquely(kinds: readonly Kind[], nameOf: (kind: Kind) => string): ReadonlyMap<string, Kind> {
  const byName = new Map<string, Kind>();
  for (const kind of kinds) {
    if (byName.has(nameOf(kind))) throw new Error(`two kinds are called ${nameOf(kind)}; rename one in src/api/kinds/`);
    byName.set(nameOf(kind), kind);
  }
  return byName;
}

/** Those of the same group first: a slip of the pen rarely goes to another one. */
function nearest(
  kinds: readonly Kind[],
  preferred: (kind: Kind) => boolean,
  name: string,
  nameOf: (kind: Kind) => string,
): Kind | undefined {
  for (const among of [kinds.filter(preferred), kinds]) {
    const found = nearestName(name, among.map(nameOf));
    if (found !== undefined) return among.find((kind) => nameOf(kind) === found);
  }
  return undefined;
}

function groupsOf(kinds: readonly Kind[]): Catalog["groups"] {
  const versions = new Map<string, string[]>();
  for (const { group, version } of kinds) {
    const known = versions.get(group) ?? [];
    versions.set(group, known.includes(version) ? known : [...known, version]);
  }
  return [...versions].map(([group, of]) => ({ group, versions: of })).sort((a, b) => (a.group < b.group ? -1 : 1));
}
