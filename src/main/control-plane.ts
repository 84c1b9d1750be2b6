import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { collectDefaultMetrics, Registry } from "prom-client";
import { wrappedKeys } from "../adapters/crypto/wrapped-keys.ts";
import { checkGit, gitRepositories } from "../adapters/git/git.ts";
import { systemClock } from "../adapters/system/system-clock.ts";
import { systemIds } from "../adapters/system/system-ids.ts";
import { exportTraces } from "../adapters/telemetry/export-traces.ts";
import { passTelemetry } from "../adapters/telemetry/pass-telemetry.ts";
import { ownCertificates, serverNames } from "../adapters/x509/own-certificates.ts";
import { yamlManifests } from "../adapters/yaml/manifests.ts";
import { readYamlDocument } from "../adapters/yaml/read-document.ts";
import { catalog } from "../api/catalog.ts";
import { derivationsOf } from "../api/derivations.ts";
import { accessTokenController } from "../engine/access-token/access-token-controller.ts";
import { garbageCollector } from "../engine/garbage-collector/garbage-collector.ts";
import { gitRepositoryController } from "../engine/git-repository/git-repository-controller.ts";
import { Loop } from "../engine/loop.ts";
import { namespaceController } from "../engine/namespace/namespace-controller.ts";
import { passes } from "../engine/pass.ts";
import { Comparer } from "../engine/sync/compare.ts";
import type { SyncPorts } from "../engine/sync/observe.ts";
import { syncController } from "../engine/sync/sync-controller.ts";
import { wakesOf } from "../engine/wakes.ts";
import { keepUp } from "../engine/upkeep/upkeep-loop.ts";
import type { KubernetesApi } from "../ports/kubernetes-api.ts";
import type { Log } from "../ports/log.ts";
import { accessIndex } from "../server/access/access-index.ts";
import { keepServing } from "../server/access/keep-serving.ts";
import { ensureBootstrap } from "../server/access/ensure-bootstrap.ts";
import { userOfGitAuthor } from "../server/access/git-authors.ts";
import { grantRule } from "../server/access/grant-rule.ts";
import { controllerCaller, serverCaller, serviceAccountCaller } from "../server/access/identities.ts";
import { tokenIssuer } from "../server/access/issue-token.ts";
import { rbacAuthorizer } from "../server/access/rbac-authorizer.ts";
import { reviews } from "../server/access/reviews.ts";
import { tokenAuthenticator } from "../server/access/token-authenticator.ts";
import { admission } from "../server/admitted.ts";
import { gitWebhook } from "../server/git-webhook.ts";
import { apiServer } from "../server/http.ts";
import type { HealthCheck } from "../server/http/health.ts";
import { protobufReader } from "../server/protobuf/read.ts";
import { archiveRoute } from "../server/archive-route.ts";
import { localKubernetesApi } from "../server/local-api.ts";
import { withRecords } from "../server/records-as-objects.ts";
import { openDataDirectory } from "./data-directory.ts";
import { ensureKubeconfig } from "./ensure-kubeconfig.ts";
import { ensureNamespaces } from "./ensure-namespaces.ts";
import { logged, postgresCheck } from "./health.ts";
import { assertListenable, listenFailure } from "./listening.ts";
import { serverMetrics } from "./server-metrics.ts";
import type { Settings } from "./settings.ts";
import { openStore, type OpenStore, withKeyPlace } from "./store.ts";

export interface ControlPlane {
  /** Where the API is served; absent without the role `api`. */
  readonly url?: string;
  readonly kubeconfig: string;
  /** Ends everything that was started, the embedded PostgreSQL included, in at most a minute. Safe to call twice. */
  stop(): Promise<void>;
  /** For a process that will not wait for `stop`: the embedded PostgreSQL is told to end by itself. */
  readonly endAtOnce: () => void;
}

type Steps = (() => Promise<void> | void)[];

/**
 * Starts one control plane: data directory, PostgreSQL, identity, API and controllers, in this order, each ready before the next. This is the one place
 * where adapters are chosen. `cancelled` ends a start that is under way. Throws PortError that says what is wrong, where and what to do; then nothing that
 * was started is left running.
 */
export async function startControlPlane(settings: Settings, log: Log, release: string, cancelled: AbortSignal): Promise<ControlPlane> {
  const undo: Steps = [];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const started = await start(settings, log, release, undo, cancelled);
    cancelled.throwIfAborted();
    return { ...started, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  settings: Settings,
  log: Log,
  release: string,
  undo: Steps,
  cancelled: AbortSignal,
): Promise<Omit<ControlPlane, "stop">> {
  if (settings.sendTraces) {
    const traces = await exportTraces(release);
    undo.push(() => traces.stop());
  }
  const directory = await openDataDirectory(settings.dataDirectory);
  undo.push(() => directory.release());
  await checkGit();
  if (settings.roles.includes("api")) await assertListenable(settings.host, settings.port);

  const opened = await openStore(settings, directory, catalog, derivationsOf(catalog, wakesOf(catalog.kinds)), log, cancelled);
  const { store, masterKey, endAtOnce } = opened;
  undo.push(() => opened.close());

  const stopping = new AbortController();
  undo.push(() => stopping.abort(new Error("the control plane is stopping")));
  const clock = systemClock;
  const ids = systemIds;
  const index = accessIndex(store.resources, clock, stopping.signal);
  const authorizer = rbacAuthorizer(index);
  const authenticator = tokenAuthenticator(index, store.resources, clock);
  const resources = withRecords(index.resources, store.records);
  const admitted = admission({ resources, catalog, authorizer, clock, ids, rules: [grantRule(index)] });
  const issueToken = tokenIssuer({ index, authorizer, resources, admitted: admitted.as, clock, ids });
  const verbs = { admission: admitted, resources, catalog, clock, ids };

  const git = gitRepositories({ root: directory.git, environment: process.env, now: () => clock.now() });
  const manifests = yamlManifests();
  const apiAs = localKubernetesApi(verbs);
  const sync = {
    git: git.source,
    manifests,
    sha256Base64url,
    inventory: apiAs(controllerCaller("sync")),
    comparer: new Comparer(),
    apiAs: ({ namespace, name, uid }: Account): KubernetesApi => apiAs(serviceAccountCaller(namespace, name, uid)),
  };
  const controllers = [
    passes(gitRepositoryController(git.source, { userOf: (email) => userOfGitAuthor(index, email) })),
    passes(syncController(sync)),
    passes(namespaceController(catalog.kinds)),
    passes(garbageCollector(catalog.kinds)),
    passes(accessTokenController()),
  ];

  const asServer = admitted.as(serverCaller);
  await ensureBootstrap(asServer);
  await ensureNamespaces(asServer);
  const certificates = await ownCertificates(wrappedKeys(store.keys, { current: masterKey, old: [] }), clock).catch((error: unknown) => {
    throw withKeyPlace(error, settings.masterKey, directory.path);
  });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  if (settings.roles.includes("controllers")) {
    const loop = new Loop({
      controllers,
      resourcesAs: (controller) => admitted.as(controllerCaller(controller)),
      work: store.work,
      clock,
      ids,
      log,
      telemetry: passTelemetry(registry),
    });
    const running = loop.run();
    undo.push(async () => {
      loop.stop();
      await running;
    });
    const upkeep = keepUp(store.upkeep, settings.retention, { clock, log, signal: stopping.signal });
    undo.push(async () => {
      stopping.abort(new Error("the control plane is stopping"));
      await upkeep;
    });
  }
  if (!settings.roles.includes("api")) return { kubeconfig: directory.kubeconfig, endAtOnce };

  const names = serverNames(hostname(), settings.names);
  const { certificate, key } = await certificates.serving(names);
  const server = apiServer({
    ...verbs,
    authenticator,
    authorizer,
    issueToken,
    reviews: reviews({ authorizer, authenticator, index }),
    parseYaml: readYamlDocument,
    readProtobuf: protobufReader(),
    release,
    log,
    checks: healthChecks(opened).map((check) => logged(check, log)),
    pages: [
      archiveRoute({ archive: store.archive, resources: store.resources, clock, release, masterKeyFingerprint: masterKey.fingerprint }),
    ],
    metrics: serverMetrics(registry),
    extraRoutes: [gitWebhook({ resources: store.resources, work: store.work })],
    tls: { cert: certificate, key },
  });
  undo.push(() => server.close());
  const { port } = await server.listen(settings.host, settings.port).catch((error: unknown) => {
    throw listenFailure(error, settings.host, settings.port);
  });
  await keepServing(
    certificates,
    () => names,
    (served) => server.setCertificate(served.certificate, served.key),
    {
      clock,
      signal: stopping.signal,
      failed: (error) => log.error({ error: messageOf(error) }, "the certificate could not be renewed; it is tried again in six hours"),
    },
  );
  const url = `https://${urlHost(settings.host)}:${port}`;
  await ensureKubeconfig({
    path: directory.kubeconfig,
    server: url,
    authority: certificates.authority,
    resources: asServer,
    authenticator,
    issueToken,
  });
  return { url, kubeconfig: directory.kubeconfig, endAtOnce };
}

function healthChecks({ store, health }: OpenStore): readonly HealthCheck[] {
  const reads: HealthCheck = {
    name: "store",
    for: "ready",
    check: async () => {
      await store.resources.get({ group: "", resource: "namespaces", namespace: "", name: "default" });
    },
  };
  return health === undefined ? [reads] : [postgresCheck(health), reads];
}

type Account = Parameters<SyncPorts["apiAs"]>[0];

const sha256Base64url = (text: string): string => createHash("sha256").update(text).digest("base64url");

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The host as a client on this machine writes it: a wildcard address is reached by the loopback one. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
