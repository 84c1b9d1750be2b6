import assert from "node:assert/strict";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Kubectl, kubectl, kubectlMissing, kubectlVersions } from "../fixtures/kubectl.ts";
import { runningServer } from "../fixtures/running-server.ts";

const server = await runningServer();
after(() => server.close());

for (const version of kubectlVersions) {
  const namespace = `writing-${version.replace(".", "-")}`;
  const home = join(server.folder, namespace);
  const k = kubectl({ version, kubeconfig: server.kubeconfig, home, namespace });
  describe(`kubectl ${version}`, { skip: kubectlMissing(version) }, () => {
    before(async () => {
      await mkdir(home);
      await k.ok(`create namespace ${namespace}`);
    });
    applying(k, home);
    changing(k, home);
    refusing(k);
    deleting(k, namespace);
  });
}

/** Suspended, so that no controller reaches out for it. */
function repository(name: string, spec: object = {}, labels?: object) {
  return {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "GitRepository",
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: { url: "https://git.example/infra.git", suspend: true, ...spec },
  };
}

function account(name: string, owner?: { readonly name: string; readonly uid: string }) {
  const owned =
    owner === undefined ? {} : { ownerReferences: [{ apiVersion: "v1", kind: "ServiceAccount", blockOwnerDeletion: true, ...owner }] };
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, ...owned } };
}

const list = (...items: readonly object[]) => ({ apiVersion: "v1", kind: "List", items });
const yaml = (document: object): string => JSON.stringify(document); // JSON is YAML
const field = (k: Kubectl, object: string, path: string): Promise<string> => k.ok(["get", object, "-o", `jsonpath={${path}}`]);

function applying(k: Kubectl, home: string): void {
  test("apply creates, leaves alone, changes, and takes back what left the file", async () => {
    const first = list(repository("applied", { interval: "5m" }, { team: "web", tier: "one" }), account("applied"));
    assert.match(await k.ok("apply -f -", { input: first }), /gitrepository\S* created\n.*serviceaccount\/applied created/);
    assert.match(await k.ok("apply -f -", { input: first }), /gitrepository\S* unchanged\n.*serviceaccount\/applied unchanged/);
    assert.match(await k.ok("apply -f -", { input: repository("applied", { ref: { branch: "next" } }, { team: "web" }) }), / configured/);
    assert.equal(await field(k, "gitrepo/applied", ".metadata.labels"), '{"team":"web"}');
    assert.equal(await field(k, "gitrepo/applied", ".spec['ref.branch','interval']"), "next 30s"); // the interval is the default again
  });

  test("apply of a folder and of a kustomization", async () => {
    const folder = join(home, "folder");
    await mkdir(folder);
    await writeFile(join(folder, "a.yaml"), yaml(account("of-folder-a")));
    await writeFile(join(folder, "b.yml"), `---\n${yaml(account("of-folder-b"))}\n---\n${yaml(repository("of-folder"))}`);
    const made = await k.ok("apply -f folder");
    for (const name of ["of-folder-a", "of-folder-b", "of-folder"]) assert.match(made, new RegExp(`/${name} created`));
    const kustomization = { resources: ["a.yaml", "b.yml"], nameSuffix: "-kustomized", labels: [{ pairs: { from: "kustomize" } }] };
    await writeFile(join(folder, "kustomization.yaml"), yaml(kustomization));
    await k.ok("apply -k folder");
    const names = (await k.ok("get sa,gitrepo -l from=kustomize -o name")).trim().split("\n").sort();
    assert.deepEqual(names, [
      "gitrepository.slipway.dev/of-folder-kustomized",
      "serviceaccount/of-folder-a-kustomized",
      "serviceaccount/of-folder-b-kustomized",
    ]);
    await rm(folder, { recursive: true });
  });

  test("apply --server-side shares fields, refuses to take them, and takes them when forced", async () => {
    const mine = (interval: string) => repository("shared", { interval });
    await k.ok("apply --server-side -f -", { input: mine("5m") });
    await k.ok("apply --server-side --field-manager=other -f -", { input: mine("5m") });
    const refused = await k.run("apply --server-side --field-manager=third -f -", { input: mine("7m") });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Apply failed with 2 conflicts: conflicts with "kubectl"[^]*\.spec\.interval[^]*"other"/);
    assert.equal(await field(k, "gitrepo/shared", ".spec.interval"), "5m");
    await k.ok("apply --server-side --field-manager=third --force-conflicts -f -", { input: mine("7m") });
    assert.equal(await field(k, "gitrepo/shared", ".spec.interval"), "7m");
    const owners = await k.ok([
      ..."get gitrepo shared --show-managed-fields -o".split(" "),
      `jsonpath={range .metadata.managedFields[?(@.operation=="Apply")]}{.manager} {.fieldsV1.f:spec.f:interval} {end}`,
    ]);
    assert.match(owners, /third \{\}/);
    assert.doesNotMatch(owners, /(kubectl|other) \{\}/);
  });

  test("apply goes over from client-side to server-side and keeps no second owner", async () => {
    await k.ok("apply -f -", { input: repository("moved", { interval: "5m" }) });
    await k.ok("apply --server-side -f -", { input: repository("moved") });
    assert.equal(await field(k, "gitrepo/moved", ".spec.interval"), "30s");
    const managers = await k.ok("get gitrepo moved --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}");
    assert.doesNotMatch(managers, /client-side-apply/);
  });

  test("apply --prune deletes what left the files, by ApplySet and by label", async () => {
    const environment = { KUBECTL_APPLYSET: "true" };
    const both = list(account("pruned-a"), repository("pruned-b"));
    await k.ok("apply --prune --applyset=pruning -f -", { environment, input: both });
    assert.match(await k.ok("apply --prune --applyset=pruning -f -", { environment, input: account("pruned-a") }), /pruned-b pruned/);
    assert.match(await k.fails("get gitrepo pruned-b"), /NotFound/);
    const labelled = ["c", "d"].map((name) => repository(`pruned-${name}`, {}, { prune: "me" }));
    const prune = "apply --prune -l prune=me --prune-allowlist=slipway.dev/v1alpha1/GitRepository -f -";
    await k.ok(prune, { input: list(...labelled) });
    assert.match(await k.ok(prune, { input: list(...labelled.slice(0, 1)) }), /pruned-d pruned/);
    assert.equal(await k.ok("get gitrepo -l prune=me -o name"), "gitrepository.slipway.dev/pruned-c\n");
  });

  test("diff shows what apply would change and changes nothing", async () => {
    await k.ok("apply -f -", { input: repository("diffed", { interval: "5m" }) });
    assert.equal(await k.ok("diff -f -", { input: repository("diffed", { interval: "5m" }) }), "");
    for (const command of ["diff -f -", "diff --server-side --force-conflicts -f -"]) {
      const { code, out } = await k.run(command, { input: repository("diffed", { interval: "6m" }) });
      assert.equal(code, 1);
      assert.match(out, /^- {2}interval: 5m\n\+ {2}interval: 6m$/m);
    }
    const { code, out } = await k.run("diff -f -", { input: repository("diffed-new") });
    assert.equal(code, 1);
    assert.match(out, /^\+ {2}name: diffed-new$/m);
    assert.equal(await field(k, "gitrepo/diffed", ".spec.interval"), "5m");
    assert.match(await k.fails("get gitrepo diffed-new"), /NotFound/);
  });
}

function changing(k: Kubectl, home: string): void {
  test("create, with a generated name too, and not twice", async () => {
    assert.match(await k.ok("create -f -", { input: repository("created") }), /created created/);
    assert.match(await k.fails("create -f -", { input: repository("created") }), /AlreadyExists.*"created" already exists/);
    const generated = { apiVersion: "v1", kind: "ServiceAccount", metadata: { generateName: "made-" } };
    const names = await Promise.all([1, 2].map(() => k.ok("create -o name -f -", { input: generated })));
    for (const name of names) assert.match(name, /^serviceaccount\/made-[a-z0-9]{5}\n$/);
    assert.notEqual(names[0], names[1]);
  });

  test("replace, and not over a newer version", async () => {
    await k.ok("create -f -", { input: repository("replaced", { interval: "5m" }, { a: "b" }) });
    await k.ok("wait gitrepo/replaced --for=jsonpath={.status.observedGeneration}=1 --timeout=20s"); // its controller writes no more
    const old = await k.ok("get gitrepo replaced -o yaml");
    assert.match(await k.ok("replace -f -", { input: repository("replaced", { interval: "6m" }) }), /replaced replaced/);
    assert.equal(await field(k, "gitrepo/replaced", "['spec.interval','metadata.labels']"), "6m");
    assert.match(await k.fails("replace -f -", { input: old }), /Conflict.*the object has been modified/);
    assert.match(await k.fails("replace -f -", { input: repository("never-there") }), /NotFound/);
  });

  test("edit, and leave as it was", async () => {
    const editor = join(home, "editor");
    await writeFile(editor, '#!/bin/sh\nsed "s/interval: 5m/interval: 8m/" "$1" > "$1.new" && mv "$1.new" "$1"\n');
    await chmod(editor, 0o755);
    const environment = { KUBE_EDITOR: editor };
    await k.ok("create -f -", { input: repository("edited", { interval: "5m" }) });
    assert.match(await k.ok("edit gitrepo edited", { environment }), /edited edited/);
    assert.equal(await field(k, "gitrepo/edited", ".spec.interval"), "8m");
    assert.match((await k.run("edit gitrepo edited", { environment })).err, /no changes made/);
    await writeFile(editor, '#!/bin/sh\nsed "s/rules: .*/&/; s/get/list/" "$1" > "$1.new" && mv "$1.new" "$1"\n');
    await k.ok("create role edited --verb=get --resource=syncs.slipway.dev");
    await k.ok("edit role edited", { environment });
    assert.equal(await field(k, "role/edited", ".rules[0].verbs[0]"), "list");
  });

  test("patch by merge, by JSON patch and strategically, also the status", async () => {
    await k.ok("create -f -", { input: repository("patched", { interval: "5m" }) });
    await k.ok(["patch", "gitrepo", "patched", "--type=merge", "-p", '{"spec":{"interval":"6m","suspend":null}}']);
    await k.ok([
      "patch",
      "gitrepo",
      "patched",
      "--type=json",
      "-p",
      '[{"op":"test","path":"/spec/interval","value":"6m"},{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]',
    ]);
    assert.equal(await field(k, "gitrepo/patched", "['spec.interval','metadata.labels.x']"), "6m y");
    const untrue = ["patch", "gitrepo", "patched", "--type=json", "-p", '[{"op":"test","path":"/spec/interval","value":"1h"}]'];
    assert.match(await k.fails(untrue), /test|Invalid/i);
    const strategic = ["patch", "gitrepo", "patched", "-p", '{"spec":{"interval":"7m"}}'];
    assert.match(await k.fails(strategic), /strategic-merge-patch\+json is not supported by slipway\.dev\/v1alpha1, Kind=GitRepository/);
    await k.ok("create sa patched");
    await k.ok(["patch", "sa", "patched", "-p", '{"secrets":[{"name":"a"}]}']);
    await k.ok(["patch", "sa", "patched", "-p", '{"secrets":[{"name":"b"}]}']);
    assert.deepEqual((await field(k, "sa/patched", ".secrets[*].name")).split(" ").sort(), ["a", "b"]); // merged by name
    const status = '{"status":{"historyRewritten":true},"spec":{"interval":"9m"}}';
    await k.ok(["patch", "gitrepo", "patched", "--subresource=status", "--type=merge", "-p", status]);
    assert.equal(await field(k, "gitrepo/patched", "['spec.interval','status.historyRewritten']"), "6m true");
  });

  test("label and annotate: set, refuse to change unasked, change, remove, all of them", async () => {
    await k.ok("apply -f -", { input: list(repository("marked-a", {}, { marked: "yes" }), repository("marked-b", {}, { marked: "yes" })) });
    assert.match(await k.ok("label gitrepo marked-a tier=one"), /labeled/);
    assert.match(await k.fails("label gitrepo marked-a tier=two"), /already has a value \(one\)/);
    await k.ok("label gitrepo marked-a tier=two --overwrite");
    assert.equal(await field(k, "gitrepo/marked-a", ".metadata.labels.tier"), "two");
    assert.match(await k.ok("label gitrepo marked-a tier-"), /unlabeled/);
    assert.equal(await field(k, "gitrepo/marked-a", ".metadata.labels"), '{"marked":"yes"}');
    await k.ok("annotate gitrepo -l marked=yes note=here");
    assert.equal(
      (await k.ok(["get", "gitrepo", "-l", "marked=yes", "-o", "jsonpath={.items[*].metadata.annotations.note}"])).trim(),
      "here here",
    );
    await k.ok("annotate gitrepo marked-a note-");
    assert.equal(await field(k, "gitrepo/marked-a", ".metadata.annotations.note"), "");
    assert.match(await k.fails("label gitrepo marked-a tier=not/a/value"), /invalid|Invalid/);
  });
}

function refusing(k: Kubectl): void {
  test("--dry-run=server validates and defaults, and keeps nothing", async () => {
    const input = repository("dry");
    for (const command of [
      "create --dry-run=server -o yaml -f -",
      "apply --dry-run=server -o yaml -f -",
      "apply --server-side --dry-run=server -o yaml -f -",
    ])
      assert.match(await k.ok(command, { input }), /branch: main/);
    assert.match(await k.fails("create --dry-run=server -f -", { input: repository("dry", { url: "" }) }), /spec\.url/);
    assert.match(await k.fails("get gitrepo dry"), /NotFound/);
    await k.ok("create sa dry");
    assert.match(await k.ok("delete sa dry --dry-run=server"), /server dry run/);
    assert.match(await k.ok("label sa dry a=b --dry-run=server"), /server dry run/);
    assert.equal(await field(k, "sa/dry", ".metadata.labels"), "");
  });

  test("an unknown field is refused with its path and the nearest name; as a warning or not at all when asked so", async () => {
    const input = repository("strict", { intervall: "5m" });
    const says = /strict decoding error: unknown field "spec\.intervall" \(did you mean "interval"\?\)/;
    for (const command of ["create -f -", "apply -f -", "apply --server-side -f -", "create --validate=strict -f -"])
      assert.match(await k.fails(command, { input }), says);
    const warned = await k.run("create --validate=warn -f -", { input });
    assert.equal(warned.code, 0);
    assert.match(warned.err, /Warning: unknown field "spec\.intervall"/);
    assert.equal(await field(k, "gitrepo/strict", ".spec.intervall"), "");
    assert.equal((await k.run("apply --validate=ignore -f -", { input: repository("strict-ignored", { intervall: "5m" }) })).code, 0);
  });

  test("what is wrong in an object is told all at once", async () => {
    const said = await k.fails("create -f -", {
      input: repository("wrong", { ref: "main", interval: "soon", suspend: "no" }),
    });
    for (const path of ["spec.ref", "spec.interval", "spec.suspend"]) assert.match(said, new RegExp(path.replace(".", "\\.")));
    assert.match(
      await k.fails("create -f -", { input: { ...repository("wrong"), kind: "GitRepositry" } }),
      /no matches for kind "GitRepositry"/,
    );
    assert.match(await k.fails("create -f -", { input: repository("Wrong_Name") }), /metadata\.name/);
  });
}

function deleting(k: Kubectl, namespace: string): void {
  const family = async (name: string): Promise<void> => {
    await k.ok("create -f -", { input: account(`${name}-owner`) });
    const uid = await field(k, `sa/${name}-owner`, ".metadata.uid");
    await k.ok("create -f -", { input: account(`${name}-child`, { name: `${name}-owner`, uid }) });
  };

  test("delete in the background: what is owned goes afterwards", async () => {
    await family("background");
    await k.ok("delete sa background-owner --cascade=background");
    await k.ok("wait --for=delete sa/background-child --timeout=20s");
    assert.match(await k.fails("get sa background-child"), /NotFound/);
  });

  test("delete in the foreground: what is owned has gone before", async () => {
    await family("foreground");
    await k.ok("delete sa foreground-owner --cascade=foreground");
    assert.match(await k.fails("get sa foreground-owner"), /NotFound/);
    assert.match(await k.fails("get sa foreground-child"), /NotFound/);
  });

  test("delete and orphan: what was owned stays, without an owner", async () => {
    await family("orphan");
    await k.ok("delete sa orphan-owner --cascade=orphan");
    await k.ok(["wait", "sa/orphan-child", "--for=jsonpath={.metadata.name}=orphan-child"]);
    assert.equal(await field(k, "sa/orphan-child", ".metadata.ownerReferences"), "");
  });

  test("delete waits for finalizers, or not", async () => {
    const held = account("held");
    await k.ok("create -f -", { input: { ...held, metadata: { ...held.metadata, finalizers: ["slipway.dev/e2e"] } } });
    assert.match(await k.fails("delete sa held --timeout=1s"), /timed out/);
    assert.match(await k.ok("delete sa held --wait=false"), /deleted/);
    assert.notEqual(await field(k, "sa/held", ".metadata.deletionTimestamp"), "");
    await k.ok(["patch", "sa", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
    assert.match(await k.fails("get sa held"), /NotFound/);
  });

  test("delete by label, by file, everything, and what is not there", async () => {
    await k.ok("apply -f -", {
      input: list(...["a", "b", "c"].map((name) => repository(`gone-${name}`, {}, { gone: name === "c" ? "no" : "yes" }))),
    });
    await k.ok("delete gitrepo -l gone=yes");
    assert.equal(await k.ok("get gitrepo -l gone -o name"), "gitrepository.slipway.dev/gone-c\n");
    await k.ok("delete -f -", { input: repository("gone-c") });
    assert.match(await k.fails("delete gitrepo gone-c"), /NotFound/);
    assert.equal(await k.ok("delete gitrepo gone-c --ignore-not-found"), "");
    await k.ok("delete gitrepo --all");
    assert.equal(await k.ok("get gitrepo -o name"), "");
  });

  test("delete a namespace with all that is in it", async () => {
    const other = `${namespace}-full`;
    await k.ok(`create namespace ${other}`);
    await k.ok(`apply -n ${other} -f -`, { input: list(repository("in"), account("in")) });
    await k.ok(`create -n ${other} secret generic in --from-literal=a=b`);
    await k.ok(`delete namespace ${other}`);
    assert.match(await k.fails(`get namespace ${other}`), /NotFound/);
    assert.equal(await k.ok(`get gitrepo,sa,secret -n ${other} -o name`), "");
  });
}
