import { catalog } from "../api/catalog.ts";
import { derivationsOf } from "../api/derivations.ts";
import { accessTokenController } from "../engine/access-token/access-token-controller.ts";
import { garbageCollector } from "../engine/garbage-collector/garbage-collector.ts";
import { gitRepositoryController } from "../engine/git-repository/git-repository-controller.ts";
import { namespaceController } from "../engine/namespace/namespace-controller.ts";
import type { SyncPorts } from "../engine/sync/observe.ts";
import { syncController } from "../engine/sync/sync-controller.ts";
import type { Change, Derivations, WakeRule } from "../ports/resources.ts";

/** What a control plane derives from objects, without running any controller: only what makes them due is asked of them. */
export function derivationsForRestore(): Derivations {
  const controllers = [
    gitRepositoryController(neverAsked<RepositoryPorts[0]>(), neverAsked<RepositoryPorts[1]>()),
    syncController(neverAsked<SyncPorts>()),
    namespaceController(catalog.kinds),
    garbageCollector(catalog.kinds),
    accessTokenController(),
  ];
  return derivationsOf<Change, WakeRule>(catalog, (change) => controllers.flatMap((controller) => controller.wakes(change)));
}

type RepositoryPorts = Parameters<typeof gitRepositoryController>;

/** A port that fails when it is used: `wakes` is pure and has no port. */
function neverAsked<Port extends object>(): Port {
  const fail = (_target: object, name: string | symbol): never => {
    throw new Error(`a restore asked a controller's port for ${String(name)}; only wakes may be asked`);
  };
  return new Proxy({}, { get: fail }) as Port; // it has no member that anybody reads
}
