import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Kubectl, kubectl, kubectlMissing, kubectlVersions } from "../fixtures/kubectl.ts";
import { runningServer } from "../fixtures/running-server.ts";

const server = await runningServer();
after(() => server.close());

for (const version of kubectlVersions) {
  const namespace = `access-${version.replace(".", "-")}`;
  const home = join(server.folder, namespace);
  const k = kubectl({ version, kubeconfig: server.kubeconfig, home, namespace });
  describe(`kubectl ${version}`, { skip: kubectlMissing(version) }, () => {
    before(async () => {
      await mkdir(home);
      await k.ok(`create namespace ${namespace}`);
    });
    creating(k, namespace);
    asking(k, namespace);
    beingSomebodyElse(k, { version, home, namespace });
  });
}

const field = (k: Kubectl, object: string, path: string): Promise<string> => k.ok(["get", object, "-o", `jsonpath={${path}}`]);

function creating(k: Kubectl, namespace: string): void {
  test("create namespace, serviceaccount and secret", async () => {
    assert.match(await k.ok(`create namespace ${namespace}-more`), /created/);
    assert.equal(await field(k, `namespace/${namespace}-more`, ".status.phase"), "Active");
    assert.match(await k.fails(`create namespace ${namespace}-more`), /AlreadyExists/);
    assert.match(await k.ok("create serviceaccount builder"), /serviceaccount\/builder created/);
    await k.ok("create secret generic login --from-literal=username=ann --from-literal=password=secret");
    assert.equal(await field(k, "secret/login", "['data.username','data.password','type']"), "YW5u c2VjcmV0 Opaque");
    await secretFromFile(k);
  });

  test("create role, rolebinding, clusterrole and clusterrolebinding", async () => {
    await k.ok(
      "create role reader --verb=get,list,watch --resource=syncs.slipway.dev,gitrepositories.slipway.dev --resource=secrets --resource-name=a",
    );
    assert.equal(await field(k, "role/reader", ".rules[0].verbs"), '["get","list","watch"]');
    assert.equal(await field(k, "role/reader", ".rules[*].apiGroups[*]"), " slipway.dev");
    await k.ok("create rolebinding reader --role=reader --user=ann --group=readers --serviceaccount=default:builder");
    assert.equal(await field(k, "rolebinding/reader", ".subjects[*].kind"), "User Group ServiceAccount");
    assert.equal(await field(k, "rolebinding/reader", ".roleRef.name"), "reader");
    await k.ok(`create clusterrole ${namespace}-lister --verb=list --resource=namespaces`);
    await k.ok(`create clusterrole ${namespace}-health --verb=get --non-resource-url=/readyz,/metrics`);
    assert.equal(await field(k, `clusterrole/${namespace}-health`, ".rules[0].nonResourceURLs"), '["/readyz","/metrics"]');
    await k.ok(["create", "clusterrole", `${namespace}-all`, `--aggregation-rule=part-of=${namespace}`]);
    await k.ok(`create clusterrolebinding ${namespace}-lister --clusterrole=${namespace}-lister --user=ann`);
    assert.equal(await field(k, `clusterrolebinding/${namespace}-lister`, ".subjects[0].name"), "ann");
    assert.equal(
      await k.ok("create role unsaved --verb=get --resource=syncs.slipway.dev --dry-run=server -o name"),
      "role.rbac.authorization.k8s.io/unsaved\n",
    );
    assert.match(await k.fails("get role unsaved"), /NotFound/);
  });

  test("create token gives one that works as the service account, and no longer than asked", async () => {
    await k.ok("create serviceaccount robot");
    const token = (await k.ok("create token robot --duration=10m")).trim();
    await k.ok(`create rolebinding robot --clusterrole=view --serviceaccount=${namespace}:robot`);
    const who = await server.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { token, body: selfSubjectReview });
    assert.equal(who.code, 201);
    assert.match(who.text, new RegExp(`"username":"system:serviceaccount:${namespace}:robot"`));
    const expires = await k.ok("create token robot --duration=10m -o jsonpath={.status.expirationTimestamp}");
    const minutes = (Date.parse(expires) - Date.now()) / 60_000;
    assert.ok(minutes > 9 && minutes <= 10.1, expires);
    assert.match(await k.fails("create token nobody-there"), /serviceaccounts "nobody-there" not found/);
  });
}

const selfSubjectReview = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };

async function secretFromFile(k: Kubectl): Promise<void> {
  const file = join(server.folder, "known_hosts");
  await writeFile(file, "git.example ssh-ed25519 AAAA\n");
  await k.ok(`create secret generic hosts --from-file=known_hosts=${file}`);
  assert.equal(Buffer.from(await field(k, "secret/hosts", ".data.known_hosts"), "base64").toString(), "git.example ssh-ed25519 AAAA\n");
}

function asking(k: Kubectl, namespace: string): void {
  test("auth whoami names the caller", async () => {
    assert.match(await k.ok("auth whoami"), /Username +admin\n[^]*slipway:admins/);
    assert.equal(await k.ok("auth whoami -o jsonpath={.status.userInfo.username}"), "admin");
    assert.match(await k.ok("auth whoami --as=ann --as-group=readers"), /Username +ann\n[^]*\[readers system:authenticated\]/);
  });

  test("auth can-i answers yes and no, by words and exit status, for oneself and for another", async () => {
    assert.equal(await k.ok("auth can-i create syncs"), "yes\n");
    assert.equal(await k.ok("auth can-i * *"), "yes\n");
    const { code, out } = await k.run("auth can-i delete syncs.slipway.dev --as=nobody");
    assert.equal(code, 1);
    assert.match(out, /^no\b/);
    await k.ok("create rolebinding asks --clusterrole=view --user=eve");
    assert.equal(await k.ok("auth can-i list syncs.slipway.dev --as=eve"), "yes\n");
    assert.equal((await k.run("auth can-i list syncs.slipway.dev --as=eve -n default")).code, 1);
    assert.equal((await k.run("auth can-i get secrets --as=eve -q")).code, 1);
    assert.equal((await k.run("auth can-i get /metrics --as=eve")).code, 1);
    assert.equal(await k.ok("auth can-i get /healthz --as=eve"), "yes\n");
    assert.equal((await k.run("auth can-i update releasebindings/status --as=eve")).code, 1);
  });

  test("auth can-i --list shows the rights, also of another", async () => {
    assert.match(await k.ok("auth can-i --list"), /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
    await k.ok("create role narrow --verb=get --resource=syncs.slipway.dev --resource-name=one");
    await k.ok("create rolebinding narrow --role=narrow --user=ned");
    assert.match(await k.ok("auth can-i --list --as=ned"), /^syncs\.slipway\.dev +\[\] +\[one\] +\[get\]$/m);
    assert.doesNotMatch(await k.ok("auth can-i --list --as=ned -n default"), /syncs/);
  });

  test("auth reconcile brings roles and bindings about", async () => {
    const rules = (verb: string) => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "reconciled", namespace },
      rules: [{ apiGroups: ["slipway.dev"], resources: ["syncs"], verbs: [verb] }],
    });
    assert.match(await k.ok("auth reconcile -f -", { input: rules("get") }), /reconciled/);
    await k.ok("auth reconcile -f -", { input: rules("list") });
    assert.equal(await field(k, "role/reconciled", ".rules[*].verbs[*]"), "get list");
  });
}

function beingSomebodyElse(
  k: Kubectl,
  { version, home, namespace }: { readonly version: string; readonly home: string; readonly namespace: string },
): void {
  test("--as acts with the rights of that user, service account or group, and only for who may", async () => {
    await k.ok("create serviceaccount actor");
    await k.ok(`create rolebinding actor --clusterrole=edit --serviceaccount=${namespace}:actor`);
    const asActor = `--as=system:serviceaccount:${namespace}:actor`;
    await k.ok(`create secret generic of-actor ${asActor}`);
    await k.ok(`get secrets ${asActor}`);
    assert.match(
      await k.fails(`get secrets -n default ${asActor}`),
      /Forbidden.*cannot list resource "secrets".*in the namespace "default"/,
    );
    assert.match(await k.fails("get secrets --as=nobody"), /Forbidden.*User "nobody" cannot list resource "secrets"/);
    await k.ok("create rolebinding team --clusterrole=view --group=team");
    await k.ok("get serviceaccounts --as=anybody --as-group=team");
  });

  test("a kubeconfig with the token of a service account has its rights and no more", async () => {
    await k.ok("create serviceaccount limited");
    await k.ok(`create rolebinding limited --clusterrole=view --serviceaccount=${namespace}:limited`);
    const config = JSON.parse(await k.ok("config view --raw -o json")) as { users: { user: object }[] }; // what kubectl writes: users with credentials
    const token = (await k.ok("create token limited")).trim();
    const kubeconfig = join(home, "limited.json");
    await writeFile(kubeconfig, JSON.stringify({ ...config, users: config.users.map((user) => ({ ...user, user: { token } })) }));
    const limited = kubectl({ version, kubeconfig, home, namespace });
    assert.match(await limited.ok("auth whoami"), new RegExp(`system:serviceaccount:${namespace}:limited`));
    await limited.ok("get syncs");
    assert.match(await limited.fails("create sa more"), /is forbidden: .*cannot create resource "serviceaccounts"/);
    assert.match(await limited.fails("get syncs --as=admin"), /Forbidden.*impersonate/);
    await writeFile(kubeconfig, JSON.stringify({ ...config, users: config.users.map((user) => ({ ...user, user: { token: "none" } })) }));
    assert.match(await limited.fails("get syncs"), /Unauthorized|must be logged in/i);
  });

  test("nobody gives rights that they do not have", async () => {
    await k.ok("create role roles --verb=create --resource=roles,rolebindings");
    await k.ok("create rolebinding roles --role=roles --user=rob");
    const more = "create role more --verb=delete --resource=secrets --as=rob";
    assert.match(await k.fails(more), /Forbidden.*it gives rights he lacks \(delete secrets\)/);
  });
}
