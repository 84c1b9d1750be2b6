import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { catalog } from "../../src/api/catalog.ts";
import { at, listAt, textAt } from "../../src/api/columns.ts";
import { apiVersionOf, type Kind } from "../../src/api/kind.ts";
import type { JsonValue } from "../../src/domain/object/json.ts";
import { type Kubectl, kubectl, kubectlMissing, kubectlVersions } from "../fixtures/kubectl.ts";
import { runningServer } from "../fixtures/running-server.ts";

const server = await runningServer();
after(() => server.close());

for (const version of kubectlVersions) {
  const namespace = `reading-${version.replace(".", "-")}`;
  const home = join(server.folder, namespace);
  const k = kubectl({ version, kubeconfig: server.kubeconfig, home, namespace });
  describe(`kubectl ${version}`, { skip: kubectlMissing(version) }, () => {
    before(async () => {
      await mkdir(home);
      await k.ok(`create namespace ${namespace}`);
      await k.ok("create -f -", { input: bindings("a", "b", "c") });
      await k.ok(["patch", "releasebinding", "shop.a", "--subresource=status", "--type=merge", "-p", ready("True", "Serving")]);
      await k.ok(["create", "-f", "-"], { input: brokenRepository });
    });
    finding(k);
    getting(k, namespace);
    watching(k, namespace);
    explaining(k);
    telling(k);
  });
}

/** No controller changes a ReleaseBinding, thus its status and versions are the test's own. */
function bindings(...environments: readonly string[]) {
  return {
    apiVersion: "v1",
    kind: "List",
    items: environments.map((environment, at) => ({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "ReleaseBinding",
      metadata: { name: `shop.${environment}`, labels: { tier: environment === "c" ? "two" : "one" } },
      spec: {
        application: "shop",
        environment,
        release: `shop-${"fedcba"[at] ?? ""}00000000000`,
        configuration: { commit: "0123456789abcdef0123456789abcdef01234567" },
      },
    })),
  };
}

const ready = (status: string, reason: string): string =>
  JSON.stringify({
    status: { conditions: [{ type: "Ready", status, reason, message: "said by a test", lastTransitionTime: "2026-01-02T03:04:05Z" }] },
  });

/** Its controller says in an Event that it cannot be read. */
const brokenRepository = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name: "absent" },
  spec: { url: "/no/such/repository" },
};

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
const wordsOf = (line: string | undefined): readonly string[] => (line ?? "").trim().split(/\s{2,}|\t/);

function finding(k: Kubectl): void {
  test("api-resources lists every kind with its short names, version, scope and verbs", async () => {
    const listed = lines(await k.ok("api-resources -o wide --no-headers")).map((line) => line.trim().split(/\s+/));
    for (const kind of catalog.kinds) {
      const line = listed.find((words) => words[0] === kind.resource && words.includes(apiVersionOf(kind)));
      assert.ok(line !== undefined, kind.resource);
      assert.ok(line.includes(kind.kind) && line.includes(String(kind.namespaced)), line.join(" "));
      if (kind.shortNames.length > 0) assert.ok(line.includes(kind.shortNames.join(",")), line.join(" "));
    }
    assert.equal(listed.length, catalog.kinds.length);
    const own = lines(await k.ok("api-resources --api-group=slipway.dev --namespaced=true -o name"));
    assert.ok(own.includes("syncs.slipway.dev") && !own.includes("users.slipway.dev"));
  });

  test("version, api-versions and the raw paths answer", async () => {
    assert.match(textAt(at(await k.json("version"), "serverVersion"), "gitVersion"), /^v1\.\d+\.\d+-slipway/);
    assert.deepEqual([...lines(await k.ok("api-versions"))].sort(), [...new Set(catalog.kinds.map(apiVersionOf))].sort());
    assert.equal(await k.ok("get --raw /readyz"), "ok");
  });

  for (const { command, says } of [
    { command: "get pods", says: /the server doesn't have a resource type "pods"/ },
    { command: "logs anything", says: /the server doesn't have a resource type "pods"|pods "anything" not found/ },
    { command: "cluster-info", says: /the server doesn't have a resource type "services"/ },
    { command: "rollout status releasebinding/shop.a", says: /no kind "ReleaseBinding" is registered|no status viewer/ },
    { command: "scale releasebinding shop.a --replicas=2", says: /NotFound/ },
    { command: "top pod", says: /Metrics API not available/ },
    { command: "get syncs no-such-sync", says: /NotFound.*syncs\.slipway\.dev "no-such-sync" not found/ },
  ])
    test(`what is not here is said to be so: ${command}`, async () => {
      assert.match(await k.fails(command), says);
    });
}

function getting(k: Kubectl, namespace: string): void {
  test("get prints the columns of a kind, more with -o wide, in one table a kind with several", async () => {
    const [head, first] = lines(await k.ok("get releasebindings"));
    assert.deepEqual(wordsOf(head), ["NAME", "READY", "STATUS", "RELEASE", "AGE"]);
    assert.deepEqual(wordsOf(first).slice(0, 4), ["shop.a", "True", "Serving", "shop-f00000000000"]);
    const wide = lines(await k.ok("get rb -o wide"));
    assert.deepEqual(wordsOf(wide[0]).slice(5), ["APPLICATION", "ENVIRONMENT", "CONFIGURATION", "LANES", "MESSAGE"]);
    assert.match(wide[1] ?? "", /shop +a +0123456789ab\S* .*said by a test/);
    const both = await k.ok("get all");
    assert.match(both, /^releasebinding\.slipway\.dev\/shop\.a /m);
    assert.match(both, /^gitrepository\.slipway\.dev\/absent /m);
    assert.match(await k.ok("get rb,gitrepo --show-labels --show-kind"), /shop\.c .*tier=two/);
  });

  test("get -o json, yaml, name, jsonpath, custom-columns and go-template show the object", async () => {
    const object = await k.json("get releasebinding shop.a");
    assert.deepEqual(
      [textAt(object, "kind"), textAt(object, "metadata", "name"), textAt(object, "spec", "environment")],
      ["ReleaseBinding", "shop.a", "a"],
    );
    assert.equal(at(object, "metadata", "managedFields"), undefined);
    assert.match(await k.ok("get rb shop.a -o yaml"), /^kind: ReleaseBinding\nmetadata:\n[^]*^ {2}environment: a$/m);
    assert.equal(await k.ok("get rb shop.a -o name"), "releasebinding.slipway.dev/shop.a\n");
    assert.equal(await k.ok("get rb -o jsonpath={.items[*].spec.environment}"), "a b c");
    assert.deepEqual(
      lines(await k.ok("get rb -o custom-columns=N:.metadata.name,R:.spec.release --no-headers")).map((line) => line.split(/\s+/)),
      [
        ["shop.a", "shop-f00000000000"],
        ["shop.b", "shop-e00000000000"],
        ["shop.c", "shop-d00000000000"],
      ],
    );
    assert.equal(await k.ok("get rb shop.b -o go-template={{.spec.application}}"), "shop");
    assert.match(await k.ok("get rb shop.a -o yaml --show-managed-fields"), /managedFields/);
  });

  for (const { flags, names } of [
    { flags: "-l tier=one", names: "ab" },
    { flags: "-l tier!=one", names: "c" },
    { flags: "--selector=tier", names: "abc" },
    { flags: "--field-selector=spec.environment=b", names: "b" },
    { flags: "--field-selector=metadata.name!=shop.a,spec.application=shop", names: "bc" },
    { flags: "--sort-by=.spec.release", names: "cba" },
    { flags: "--sort-by={.metadata.name}", names: "abc" },
    { flags: "--chunk-size=1", names: "abc" },
    { flags: "--chunk-size=2 -l tier=one", names: "ab" },
  ])
    test(`get ${flags}`, async () => {
      const listed = lines(await k.ok(`get rb ${flags} -o custom-columns=E:.spec.environment --no-headers`));
      assert.equal(listed.join(""), names);
    });

  test("get refuses a selector that cannot be, and says so", async () => {
    assert.match(await k.fails("get rb --field-selector=spec.lanes=1"), /field label not supported|not supported/);
    assert.match(await k.fails(["get", "rb", "-l", "a=b=c"]), /selector|unable to parse/i);
  });

  test("get -A shows the namespaces, and cluster-wide kinds have none", async () => {
    const all = lines(await k.ok("get rb -A"));
    assert.equal(wordsOf(all[0])[0], "NAMESPACE");
    assert.ok(all.some((line) => line.startsWith(`${namespace} `) && line.includes("shop.a")));
    assert.match(await k.ok("get namespaces"), new RegExp(`^${namespace} +Active`, "m"));
    assert.match(
      await k.ok("get users,clusterroles -o name"),
      /^user\.slipway\.dev\/admin\n[^]*clusterrole\.rbac\.authorization\.k8s\.io\/cluster-admin$/m,
    );
  });
}

function watching(k: Kubectl, namespace: string): void {
  test("get -w shows what is, then each change with its type", async () => {
    const watch = k.start(
      "get rb -l watched=yes -w --output-watch-events -o custom-columns=T:.type,N:.object.metadata.name,R:.object.spec.release",
    );
    const table = k.start("get rb shop.b -w");
    try {
      await table.until("shop.b");
      await k.ok("create -f -", { input: bindings("w") });
      await k.ok("label rb shop.w watched=yes");
      await watch.until("ADDED");
      await k.ok(["patch", "rb", "shop.w", "--type=merge", "-p", '{"spec":{"release":"shop-000000000001"}}']);
      await watch.until("shop-000000000001");
      await k.ok("delete rb shop.w");
      const seen = lines(await watch.until("DELETED")).map((line) => line.trim().split(/\s+/));
      assert.deepEqual(seen.slice(1), [
        ["ADDED", "shop.w", "shop-f00000000000"],
        ["MODIFIED", "shop.w", "shop-000000000001"],
        ["DELETED", "shop.w", "shop-000000000001"],
      ]);
      await k.ok(["patch", "rb", "shop.b", "--type=merge", "--subresource=status", "-p", ready("False", "Broken")]);
      assert.equal(lines(await table.until("Broken")).length, 3);
    } finally {
      await watch.stop();
      await table.stop();
    }
  });

  test("wait for a condition, a value, creation and deletion, and give up", async () => {
    await k.ok("wait rb/shop.a --for=condition=Ready --timeout=20s");
    await k.ok(["wait", "rb/shop.a", "--for=jsonpath={.spec.environment}=a", "--timeout=20s"]);
    await k.ok(["wait", "rb", "-l", "tier=one", "--for=jsonpath={.spec.application}", "--timeout=20s"]);
    await k.ok(`wait namespace/${namespace} --for=jsonpath={.status.phase}=Active --timeout=20s`);
    assert.match(await k.fails("wait rb/shop.c --for=condition=Ready --timeout=1s"), /timed out waiting/);
    const [changed] = await Promise.all([
      k.run("wait rb/shop.c --for=condition=Ready=False --timeout=20s"),
      k.ok(["patch", "rb", "shop.c", "--subresource=status", "--type=merge", "-p", ready("False", "Waited")]),
    ]);
    assert.equal(changed.code, 0, changed.err);
    const [made] = await Promise.all([k.run("wait sa/awaited --for=create --timeout=20s"), k.ok("create sa awaited")]);
    assert.equal(made.code, 0, made.err);
    const [gone] = await Promise.all([k.run("wait sa/awaited --for=delete --timeout=20s"), k.ok("delete sa awaited")]);
    assert.equal(gone.code, 0, gone.err);
  });
}

function explaining(k: Kubectl): void {
  for (const kind of catalog.kinds)
    test(`explain ${kind.kind} --recursive names its fields`, async () => {
      const said = await k.ok(`explain ${kind.resource} --recursive --api-version=${apiVersionOf(kind)}`);
      assert.match(said, new RegExp(`^KIND: +${kind.kind}$`, "m"));
      for (const name of ["metadata", ...fieldsOf(kind)]) assert.match(said, new RegExp(`^ +${name}\\t`, "m"), name);
    });

  test("explain shows one field, its type and what it is for; and refuses one that is not there", async () => {
    assert.match(
      await k.ok("explain sync.spec.source"),
      /FIELD: source <Object>[^]*repository\t<string> -required-\n +Name of a GitRepository/,
    );
    assert.match(await k.ok("explain rb.metadata.labels"), /FIELD: labels <map\[string\]string>/);
    assert.match(await k.fails("explain sync.spec.nothing"), /field "nothing" does not exist/);
  });
}

/** Down to the second level, which tells one schema from another. */
function fieldsOf({ schema }: Kind): readonly string[] {
  const published: JsonValue = JSON.parse(JSON.stringify(schema));
  const namesIn = (value: JsonValue | undefined): readonly string[] => Object.keys(Object(at(value, "properties")));
  return namesIn(published).flatMap((name) => [name, ...namesIn(at(published, "properties", name))]);
}

function telling(k: Kubectl): void {
  test("describe shows an object, its conditions and its events", async () => {
    await k.ok("wait gitrepo/absent --for=condition=Ready=False --timeout=20s");
    const events = k.start("events --for gitrepository/absent -w");
    await events.until("Warning").finally(() => events.stop());
    const said = await k.ok("describe gitrepo absent");
    for (const part of [
      /^Name: +absent$/m,
      /^Kind: +GitRepository$/m,
      /URL: +\/no\/such\/repository$/m,
      /Type: +Ready$/m,
      /^Events:\n[^]*Warning +\S+ .*\/no\/such\/repository/m,
    ])
      assert.match(said, part);
    assert.match(await k.ok("describe rb shop.a"), /^Events: +<none>$/m);
    assert.match(await k.ok("describe rb -l tier=one"), /shop\.a[^]*shop\.b/);
  });

  test("describe knows the built-in kinds", async () => {
    await k.ok("create sa told");
    await k.ok("create secret generic told --from-literal=password=never-shown");
    await k.ok("create role told --verb=get --resource=syncs.slipway.dev");
    await k.ok("create rolebinding told --role=told --user=somebody");
    assert.match(await k.ok("describe sa told"), /^Name: +told$/m);
    const secret = await k.ok("describe secret told");
    assert.match(secret, /password: +11 bytes/);
    assert.doesNotMatch(secret, /never-shown/);
    assert.match(await k.ok("describe role told"), /syncs\.slipway\.dev +\[\] +\[\] +\[get\]/);
    assert.match(await k.ok("describe rolebinding told"), /Kind: +Role\n +Name: +told[^]*User +somebody/);
    assert.match(await k.ok("describe clusterrole cluster-admin"), /\*\.\* +\[\] +\[\] +\[\*\]/);
    assert.match(await k.ok("describe namespace default"), /^Status: +Active$/m);
  });

  test("events and get events tell the same, by object and by type", async () => {
    const told = await k.json("get events --field-selector=involvedObject.name=absent,type=Warning");
    const reason = textAt(listAt(told, "items")[0], "reason");
    assert.notEqual(reason, "");
    for (const command of [
      "events",
      "events --for gitrepository/absent",
      "events --types=Warning",
      "get events",
      "get ev -A --sort-by=.lastTimestamp",
    ])
      assert.match(await k.ok(command), new RegExp(`Warning +${reason} +gitrepository/absent`, "i"), command);
    assert.match((await k.run("events --for rb/shop.a")).err, /No events found/);
    assert.equal(await k.ok("events --types=Normal --for gitrepository/absent --no-headers"), "");
  });
}
