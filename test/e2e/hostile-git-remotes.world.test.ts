import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { appendFile, chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gitRepositories } from "../../src/adapters/git/git.ts";
import type { GitConfig } from "../../src/adapters/git/git.ts";
import { ownersGit, ownersText, realRepository, sandbox } from "../../src/adapters/git/test-repository.ts";
import type { Sandbox } from "../../src/adapters/git/test-repository.ts";
import { behindPassword, httpBackend, listen } from "../../src/adapters/git/test-server.ts";
import { instant } from "../../src/domain/units.ts";
import type { GitChange, GitCredentials, GitRemote } from "../../src/ports/git.ts";
import { PortError } from "../../src/ports/port-error.ts";

// What a server, or the owner of a path remote, may do. Nothing is executed (it would leave `pwned`), no secret is shown, nothing hangs.

const calm = new AbortController().signal;
const secret = "s3cret-Pass%word&x";
const basic: GitCredentials = { kind: "basic", username: "robot", password: secret };

describe("hostile remotes", { timeout: 120_000 }, () => {
  let box: Sandbox;
  let made = 0;
  before(async () => {
    box = await sandbox();
  });
  after(() => box.close());

  const open = (limits: GitConfig["limits"] = {}, environment: GitConfig["environment"] = process.env) =>
    gitRepositories({ root: join(box.path, "mirrors"), environment, now: () => instant(Date.now()), limits });
  const create = () => realRepository(join(box.path, `r${(made += 1)}.git`));
  const pwned = async () => (await readdir(box.path, { recursive: true })).filter((name) => /(?:^|\/)pwned/.test(name));
  const change = (key: string, path = "a"): GitChange => ({
    key,
    author: { name: "Ann", email: "ann@example.com" },
    message: "Change",
    edits: [{ path, decide: () => ({ kind: "write", next: Buffer.from(key) }) }],
  });
  const serving = async (
    handler: RequestListener,
    use: (url: string, asked: readonly string[]) => Promise<void>,
    tls?: { readonly key: string; readonly cert: string },
  ) => {
    const server = await listen(handler, tls);
    try {
      await use(server.url, server.asked);
    } finally {
      await server.close();
    }
  };
  const failure = async (work: Promise<unknown>): Promise<PortError> => {
    const error: unknown = await work.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof PortError, `no PortError: ${String(error)}`);
    for (const part of [secret, encodeURIComponent(secret), Buffer.from(`robot:${secret}`).toString("base64")])
      assert.ok(!error.message.includes(part), "a secret is shown");
    return error;
  };

  // Everything that the configuration of the repository at the other end could start. It runs here, as this user, if Git is not told otherwise.
  const evil = () => `touch ${box.path}/pwned; false`;
  const pathCases: readonly { readonly name: string; readonly config: () => string; readonly reads?: RegExp; readonly writes?: RegExp }[] =
    [
      { name: "core.hooksPath", config: () => `[core]\n\thooksPath = ${box.path}/hooks\n` },
      { name: "uploadpack.packObjectsHook", config: () => `[uploadpack]\n\tpackObjectsHook = "${evil()}"\n` },
      { name: "core.alternateRefsCommand", config: () => `[core]\n\talternateRefsCommand = "${evil()}"\n` },
      {
        name: "core.fsmonitor, sshCommand, pager, editor, askPass, gitProxy",
        config: () =>
          ["fsmonitor", "sshCommand", "pager", "editor", "askPass", "gitProxy"].map((name) => `[core]\n\t${name} = "${evil()}"\n`).join(""),
      },
      {
        name: "gc.recentObjectsHook and receive.autogc",
        config: () => `[gc]\n\tauto = 1\n\trecentObjectsHook = "${evil()}"\n[receive]\n\tautogc = true\n[maintenance]\n\tauto = true\n`,
      },
      {
        name: "a promisor remote",
        config: () =>
          `[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = evil\n[remote "evil"]\n\tpromisor = true\n\turl = ${box.path}/nowhere\n\tuploadpack = "${evil()}"\n\treceivepack = "${evil()}"\n`,
      },
      { name: "an included configuration", config: () => `[include]\n\tpath = ${box.path}/included\n` },
      { name: "receive.procReceiveRefs", config: () => `[receive]\n\tprocReceiveRefs = refs/heads\n`, writes: /PushDeclined/ },
      {
        name: "url.insteadOf and aliases",
        config: () => `[url "ext::${evil()}"]\n\tinsteadOf = /\n[alias]\n\tupload-pack = "!${evil()}"\n\treceive-pack = "!${evil()}"\n`,
      },
    ];
  for (const { name, config, writes } of pathCases)
    test(`${name} of a path remote starts nothing`, async () => {
      const repository = await create();
      await mkdir(join(box.path, "hooks"), { recursive: true });
      await writeFile(join(box.path, "included"), `[core]\n\thooksPath = ${box.path}/hooks\n`);
      for (const folder of [join(box.path, "hooks"), join(repository.path, "hooks")]) {
        await mkdir(folder, { recursive: true });
        for (const hook of [
          "pre-receive",
          "update",
          "post-receive",
          "post-update",
          "reference-transaction",
          "proc-receive",
          "push-to-checkout",
          "pre-auto-gc",
          "pre-push",
        ]) {
          await writeFile(join(folder, hook), `#!/bin/sh\ntouch ${box.path}/pwned\n`);
          await chmod(join(folder, hook), 0o755);
        }
      }
      const lender = await create();
      await lender.push("main", { lent: "1" });
      await writeFile(join(repository.path, "objects", "info", "alternates"), `${lender.path}/objects\n`);
      await repository.push("main", { a: "1" });
      const { rm } = await import("node:fs/promises");
      await rm(join(box.path, "pwned"), { force: true }); // the owner's own push may run the owner's hooks
      await appendFile(join(repository.path, "config"), config());
      const { source, writer } = open();
      const commit = await source.resolve(repository.remote, "main", calm);
      assert.equal((await source.read(repository.remote, commit, { paths: ["a"] }, calm)).kind, "files");
      if (writes) assert.match((await failure(writer.write(repository.remote, "main", change("k"), calm))).reason, writes);
      else assert.equal((await writer.write(repository.remote, "main", change("k"), calm)).outcome, "written");
      assert.deepEqual(await pwned(), []);
    });

  test("the checked-out branch of a path remote is not pushed to, nor its work tree changed", async () => {
    const path = join(box.path, `r${(made += 1)}`);
    await mkdir(path);
    await ownersGit(path, ["init", "-q", "-b", "main", path]);
    await writeFile(join(path, "a"), "1");
    await writeFile(join(path, ".gitattributes"), "* filter=evil\n");
    await ownersGit(path, ["add", "."]);
    await ownersGit(path, ["commit", "-q", "-m", "One"]);
    await ownersGit(path, ["config", "receive.denyCurrentBranch", "updateInstead"]);
    await ownersGit(path, ["config", "filter.evil.smudge", evil()]);
    const { source, writer } = open();
    const commit = await source.resolve({ url: path }, "main", calm);
    assert.equal((await source.read({ url: `file://${path}` }, commit, { paths: ["a"] }, calm)).kind, "files");
    assert.equal((await failure(writer.write({ url: path }, "main", change("k"), calm))).reason, "PushDeclined");
    assert.equal(await readFile(join(path, "a"), "utf8"), "1");
    assert.deepEqual(await pwned(), []);
  });

  test("missing objects of a partial clone are not fetched on our behalf", async () => {
    const repository = await create();
    await repository.push("main", { a: "1", b: "2" });
    const id = await ownersText(repository.path, ["rev-parse", "main:b"]);
    const { rm } = await import("node:fs/promises");
    await rm(join(repository.path, "objects", id.slice(0, 2), id.slice(2)));
    await appendFile(
      join(repository.path, "config"),
      `[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = evil\n[remote "evil"]\n\tpromisor = true\n\turl = ${repository.path}\n\tuploadpack = "${evil()}"\n`,
    );
    await failure(open().source.fetch(repository.remote, { ref: "main" }, calm));
    assert.deepEqual(await pwned(), []);
  });

  test("nothing of the caller's environment or configuration reaches Git", async () => {
    const home = join(box.path, "home");
    await mkdir(home, { recursive: true });
    await writeFile(
      join(home, ".gitconfig"),
      `[url "ext::sh -c touch% ${box.path}/pwned%"]\n\tinsteadOf = ${box.path}\n[core]\n\tsshCommand = touch ${box.path}/pwned\n[protocol]\n\tallow = always\n`,
    );
    const names = [
      "GIT_DIR",
      "GIT_SSH_COMMAND",
      "GIT_SSH",
      "GIT_ASKPASS",
      "SSH_ASKPASS",
      "GIT_EXTERNAL_DIFF",
      "GIT_PROXY_COMMAND",
      "GIT_TRACE",
      "GIT_TRACE_CURL",
      "GIT_EXEC_PATH",
      "GIT_TEMPLATE_DIR",
      "GIT_OBJECT_DIRECTORY",
      "LD_PRELOAD",
      "ENV",
      "BASH_ENV",
    ];
    const environment = {
      ...Object.fromEntries(names.map((name) => [name, join(box.path, "pwned")])),
      PATH: process.env["PATH"],
      HOME: home,
      XDG_CONFIG_HOME: home,
      GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
      GIT_ALLOW_PROTOCOL: "ext:file",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.fsmonitor",
      GIT_CONFIG_VALUE_0: evil(),
    };
    const repository = await create();
    const commit = await repository.push("main", { a: "1" });
    const { source, writer } = open({}, environment);
    assert.equal((await source.fetch(repository.remote, { ref: "main" }, calm)).commit, commit);
    assert.equal((await writer.write(repository.remote, "main", change("k"), calm)).outcome, "written");
    assert.deepEqual(await pwned(), []);
  });

  for (const url of [
    "ext::sh -c touch% pwned",
    "fd::17",
    "--upload-pack=touch pwned",
    "ssh://-oProxyCommand=touch%20pwned/x",
    "git@-oProxyCommand=x:y",
    "git://host/x",
    "ftp://host/x",
    "file://other/x",
    "relative/path",
    "./x",
    "~/x",
    "https://user:pw@host/x",
    "https://host/x\r\nHost: y",
    "https://host/%0aprotocol=https",
    "/a\nb",
    "http://host/x",
    "javascript:alert(1)",
    "transport::https://x/y",
    "https://host/x y",
    "",
    "/",
    "/a/../b",
    "host:-x",
  ])
    test(`the address ${JSON.stringify(url)} is refused before Git hears of it`, async () => {
      const error = await failure(open().source.resolve({ url }, "main", calm));
      assert.deepEqual([error.outcome, error.reason], ["refused", "InvalidURL"]);
      assert.match(error.message, /^spec\.url: /);
      assert.ok(!error.message.includes("pw@"));
    });

  test("https and http with a password: read and written, and the secret is nowhere on disk, command lines or in errors", async () => {
    const repository = await create();
    await repository.push("main", { a: "1" });
    await serving(behindPassword("robot", secret, httpBackend(box.path), true), async (url) => {
      const remote: GitRemote = { url: `${url}/${repository.path.split("/").at(-1) ?? ""}`, allowPlainHttp: true, credentials: basic };
      const { source, writer } = open();
      const commit = await source.resolve(remote, "main", calm);
      assert.equal((await source.read(remote, commit, { paths: ["a"] }, calm)).kind, "files");
      assert.equal((await writer.write(remote, "main", change("k"), calm)).outcome, "written");
      assert.equal(await repository.file("main", "a"), "k");
      const wrong = await failure(source.resolve({ ...remote, credentials: { ...basic, password: "wrong-Pass" } }, "main", calm));
      assert.deepEqual([wrong.outcome, wrong.reason], ["refused", "AuthenticationFailed"]);
      assert.doesNotMatch(wrong.message, /wrong-Pass/);
      const none = await failure(source.resolve({ url: remote.url, allowPlainHttp: true }, "main", calm));
      assert.deepEqual([none.outcome, none.reason], ["refused", "AuthenticationFailed"]);
      await noSecretOnDisk(join(box.path, "mirrors"));
      const there = await failure(source.resolve({ ...remote, url: `${url}/nothing.git` }, "main", calm));
      assert.equal(there.reason, "RepositoryNotFound");
    });
  });

  async function noSecretOnDisk(root: string): Promise<void> {
    for (const name of await readdir(root, { recursive: true })) {
      const path = join(root, name);
      if ((await stat(path)).isFile()) assert.ok(!(await readFile(path)).includes(secret), path);
    }
    assert.deepEqual(await readdir(join(root, "secrets")), []);
  }

  test(
    "while a command runs, the secret is in no command line and no environment",
    { skip: process.platform === "linux" ? false : "needs /proc to look" },
    async () => {
      let waiting: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      const hanging: RequestListener = (request, response) => {
        if (request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
        else waiting();
      };
      await serving(hanging, async (url) => {
        const stop = new AbortController();
        const work = failure(open().source.resolve({ url: `${url}/x`, allowPlainHttp: true, credentials: basic }, "main", stop.signal));
        await reached;
        let looked = 0;
        for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
          const about = await Promise.all(["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")));
          if (about[0]?.includes(url)) looked += 1;
          assert.ok(!about.join("\n").includes(secret), `process ${pid}`);
        }
        assert.ok(looked > 0, "the command was not seen");
        stop.abort();
        assert.equal((await work).reason, "Cancelled");
        await noSecretOnDisk(join(box.path, "mirrors"));
      });
    },
  );

  test("a password is not sent over plain http, nor with an address of another kind", async () => {
    const { source } = open();
    assert.equal(
      (await failure(source.resolve({ url: "http://git.example.com/x", allowPlainHttp: true, credentials: basic }, "main", calm))).reason,
      "InvalidCredentials",
    );
    assert.equal(
      (await failure(source.resolve({ url: "git@example.com:x", credentials: basic }, "main", calm))).reason,
      "InvalidCredentials",
    );
    assert.equal((await failure(source.resolve({ url: "git@example.com:x" }, "main", calm))).reason, "InvalidCredentials");
    assert.equal(
      (await failure(source.resolve({ url: "https://127.0.0.1:1/x", credentials: { ...basic, password: "a\nhost=evil" } }, "main", calm)))
        .reason,
      "InvalidCredentials",
    );
  });

  for (const { name, to } of [
    { name: "a file", to: "file:///etc/passwd" },
    { name: "another program", to: "ext::sh -c id" },
    { name: "an address inside the network", to: "http://169.254.169.254/latest/meta-data/" },
  ])
    test(`a redirect to ${name} is not followed`, async () => {
      await serving(
        (_, response) => response.writeHead(302, { location: to }).end(),
        async (url, asked) => {
          const error = await failure(open().source.resolve({ url: `${url}/x`, allowPlainHttp: true, credentials: basic }, "main", calm));
          assert.deepEqual([error.outcome, error.reason], ["refused", "Redirected"], error.message);
          assert.match(error.message, /write the final address/);
          assert.equal(asked.length, 1);
        },
      );
    });

  test("the alternates of a dumb http server lead nowhere", async () => {
    const repository = await create();
    await repository.push("main", { a: "1" });
    await ownersGit(repository.path, ["update-server-info"]);
    await serving(
      (_, response) => response.end("private"),
      async (inner, innerAsked) => {
        const files: RequestListener = (request, response) => {
          const path = request.url?.split("?")[0] ?? "";
          if (path.endsWith("alternates")) response.end(`${inner}/objects/\n`);
          else if (path.includes("/objects/")) response.writeHead(404).end();
          else
            readFile(join(repository.path, path.replace(/^\/x\//, ""))).then(
              (bytes) => response.end(bytes),
              () => response.writeHead(404).end(),
            );
        };
        await serving(files, async (url) => {
          const error = await failure(open().source.fetch({ url: `${url}/x`, allowPlainHttp: true }, { ref: "main" }, calm));
          assert.notEqual(error.outcome, "unknown");
          assert.deepEqual(innerAsked, []);
        });
      },
    );
  });

  const pkt = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
  const advertise =
    (lines: readonly string[]): RequestListener =>
    (_, response) =>
      response
        .writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" })
        .end(`${pkt("# service=git-upload-pack\n")}0000${lines.join("")}`);
  const serverCases: readonly {
    readonly name: string;
    readonly handler: RequestListener;
    readonly reason: RegExp;
    readonly outcome: string;
    readonly limits?: GitConfig["limits"];
  }[] = [
    { name: "never answers", handler: () => undefined, reason: /TimedOut/, outcome: "notDone", limits: { resolveSeconds: 1 } },
    {
      name: "answers one byte a time, without end",
      handler: (_, response) => {
        response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
        const timer = setInterval(() => response.write("0"), 100);
        response.on("close", () => {
          clearInterval(timer);
        });
      },
      reason: /TimedOut|DamagedTransfer|Unreachable/,
      outcome: "notDone",
      limits: { resolveSeconds: 2 },
    },
    {
      name: "sends refs without end",
      handler: endlessRefs(pkt),
      reason: /TimedOut|OutOfMemory|Unreachable|Killed|TooManyRefs|DamagedTransfer/,
      outcome: "notDone",
      limits: { resolveSeconds: 3, memoryBytes: 1 << 30 },
    },
    {
      name: "answers 500",
      handler: (_, response) => response.writeHead(500).end(`oops ${secret}`),
      reason: /Unreachable/,
      outcome: "notDone",
    },
    { name: "answers 404", handler: (_, response) => response.writeHead(404).end(), reason: /RepositoryNotFound/, outcome: "refused" },
    {
      name: "answers with something else",
      handler: (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>login</html>"),
      reason: /EmptyRepository/,
      outcome: "refused",
    },
    { name: "answers nothing", handler: (request) => request.socket.destroy(), reason: /Unreachable/, outcome: "notDone" },
    {
      name: "says the password back",
      handler: advertise([
        pkt(`ERR wrong password ${secret} for robot, header ${Buffer.from(`robot:${secret}`).toString("base64")}\u001b[2J`),
      ]),
      reason: /.*/,
      outcome: "notDone",
    },
    {
      name: "advertises a ref with a hostile name",
      handler: advertise([pkt(`${"1".repeat(40)} refs/heads/../../../pwned\0side-band-64k\n`), "0000"]),
      reason: /.*/,
      outcome: "refused",
    },
  ];
  for (const { name, handler, reason, outcome, limits } of serverCases)
    test(`a server that ${name} ends in an error soon, with nothing left running`, async () => {
      await serving(handler, async (url) => {
        const began = performance.now();
        const error = await failure(
          open({ resolveSeconds: 10, ...limits }).source.resolve(
            { url: `${url}/x`, allowPlainHttp: true, credentials: basic },
            "main",
            calm,
          ),
        );
        assert.match(error.reason, reason, error.message);
        assert.equal(error.outcome, outcome, error.message);
        assert.doesNotMatch(error.message, /[\u0000-\u001f]/);
        assert.ok(performance.now() - began < 12_000);
        assert.deepEqual(await processesNaming(url), []);
      });
      assert.deepEqual(await pwned(), []);
    });

  test("a closed port and an unknown host are not done, a hanging one is cancelled at once", async () => {
    const sockets = new Set<Socket>();
    const tcp = createTcpServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    const { port } = tcp.address() as AddressInfo; // listening on a port
    const work = failure(
      open().source.resolve({ url: `http://127.0.0.1:${port}/x`, allowPlainHttp: true }, "main", AbortSignal.timeout(300)),
    );
    const error = await work;
    assert.deepEqual([error.outcome, error.reason], ["notDone", "Cancelled"]);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => tcp.close(resolve));
    const closed = await failure(open().source.resolve({ url: `http://127.0.0.1:${port}/x`, allowPlainHttp: true }, "main", calm));
    assert.deepEqual([closed.outcome, closed.reason], ["notDone", "Unreachable"]);
    const unknown = await failure(open().source.resolve({ url: "https://nowhere.invalid/x" }, "main", calm));
    assert.deepEqual([unknown.outcome, unknown.reason], ["notDone", "Unreachable"]);
  });

  test("a server is believed only with a certificate of the authority that was given", async () => {
    const tls = await selfSigned(box.path);
    if (!tls) return;
    const repository = await create();
    const commit = await repository.push("main", { a: "1" });
    await serving(
      behindPassword("robot", secret, httpBackend(box.path)),
      async (url) => {
        const remote: GitRemote = {
          url: `${url}/${repository.path.split("/").at(-1) ?? ""}`,
          credentials: basic,
          certificateAuthority: tls.cert,
        };
        assert.equal(await open().source.resolve(remote, "main", calm), commit);
        const error = await failure(open().source.resolve({ url: remote.url, credentials: basic }, "main", calm));
        assert.deepEqual([error.outcome, error.reason], ["refused", "CertificateRejected"], error.message);
      },
      tls,
    );
  });

  test("a push that the server declines is refused with the server's words", async () => {
    const repository = await create();
    const tip = await repository.push("main", { a: "1" });
    await mkdir(join(repository.path, "hooks"), { recursive: true });
    await writeFile(join(repository.path, "hooks", "pre-receive"), `#!/bin/sh\necho "main is protected, said $0 ${secret}" >&2\nexit 1\n`);
    await chmod(join(repository.path, "hooks", "pre-receive"), 0o755);
    await serving(behindPassword("robot", secret, httpBackend(box.path)), async (url) => {
      const remote: GitRemote = { url: `${url}/${repository.path.split("/").at(-1) ?? ""}`, allowPlainHttp: true, credentials: basic };
      const error = await failure(open().writer.write(remote, "main", change("k"), calm));
      assert.deepEqual([error.outcome, error.reason], ["refused", "PushDeclined"], error.message);
      assert.match(error.message, /main is protected/);
      assert.equal(await open().source.resolve(remote, "main", calm), tip);
    });
  });
});

describe("ssh", { timeout: 60_000 }, () => {
  let box: Sandbox;
  let server: { readonly port: number; readonly child: ChildProcess } | undefined;
  let why = "";
  before(async () => {
    box = await sandbox();
    server = await startSshd(box.path).catch((cause: unknown) => {
      why = String(cause);
      return undefined;
    });
  });
  after(async () => {
    server?.child.kill("SIGKILL");
    await box.close();
  });

  test("reads and writes with a key and known hosts; another host key, another user key and no host key are refused", async (context) => {
    if (!server) {
      context.skip(`no sshd to be started here: ${why}`);
      return;
    }
    const repository = await realRepository(join(box.path, "r.git"));
    const commit = await repository.push("main", { a: "1" });
    const { userInfo } = await import("node:os");
    const hostKey = (await readFile(join(box.path, "host.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
    const known = `[127.0.0.1]:${server.port} ${hostKey}\n`;
    const privateKey = await readFile(join(box.path, "user"), "utf8");
    const remote: GitRemote = {
      url: `ssh://${userInfo().username}@127.0.0.1:${server.port}${repository.path}`,
      credentials: { kind: "ssh", privateKey, knownHosts: known },
    };
    const root = join(box.path, "mirrors of git");
    const { source, writer } = gitRepositories({ root, environment: process.env, now: () => instant(Date.now()) });
    assert.equal(await source.resolve(remote, "main", calm), commit);
    assert.equal((await source.read(remote, commit, { paths: ["a"] }, calm)).kind, "files");
    const edit = { path: "a", expect: { bytes: Buffer.from("1") }, next: Buffer.from("2") };
    assert.equal(
      (await writer.write(remote, "main", { key: "k", author: { name: "A", email: "a@x" }, message: "m", edits: [edit] }, calm)).outcome,
      "written",
    );
    assert.deepEqual(await readdir(join(root, "secrets")), []);
    const reasonOf = (credentials: GitCredentials) =>
      source.resolve({ ...remote, credentials }, "main", calm).then(
        () => "read",
        (error: unknown) => (error instanceof PortError ? `${error.outcome} ${error.reason}` : String(error)),
      );
    const otherHost = `[127.0.0.1]:${server.port} ${(await readFile(join(box.path, "user.pub"), "utf8")).split(" ").slice(0, 2).join(" ")}\n`;
    assert.equal(await reasonOf({ kind: "ssh", privateKey, knownHosts: otherHost }), "refused HostKeyRejected");
    assert.equal(await reasonOf({ kind: "ssh", privateKey, knownHosts: `example.com ${hostKey}` }), "refused HostKeyRejected");
    assert.equal(await reasonOf({ kind: "ssh", privateKey, knownHosts: " " }), "refused InvalidCredentials");
    assert.equal(
      await reasonOf({ kind: "ssh", privateKey: await readFile(join(box.path, "host"), "utf8"), knownHosts: known }),
      "refused AuthenticationFailed",
    );
  });
});

function endlessRefs(pkt: (text: string) => string): RequestListener {
  return (_, response) => {
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    response.write(`${pkt("# service=git-upload-pack\n")}0000`);
    let ref = 0;
    const more = () => {
      let open = true;
      while (open && !response.destroyed)
        open = response.write(
          Array.from({ length: 1000 }, () => pkt(`${"1".repeat(40)} refs/heads/${(ref += 1)}${ref === 1 ? "\0side-band-64k" : ""}\n`)).join(
            "",
          ),
        );
    };
    response.on("drain", more);
    more();
  };
}

/** Processes of this machine that name the text in their command line; none where /proc is absent. A killed one may take a moment to be gone. */
async function processesNaming(text: string): Promise<readonly string[]> {
  const look = async () => {
    const pids = await readdir("/proc").catch(() => []);
    const lines = await Promise.all(
      pids.filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    return lines.filter((line) => line.includes(text));
  };
  const until = performance.now() + 3000;
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() > until) return found;
    await sleep(20);
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, [...args], { stdio: "ignore" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

async function selfSigned(directory: string): Promise<{ readonly key: string; readonly cert: string } | undefined> {
  const [key, cert] = [join(directory, "tls.key"), join(directory, "tls.crt")];
  const args = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    "2",
    "-subj",
    "/CN=127.0.0.1",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  ];
  const made = await run("openssl", args).then(
    () => true,
    () => false,
  );
  return made ? { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") } : undefined;
}

/** A real sshd on loopback for the user who runs the tests. Rejects with the reason if that is not possible here. */
async function startSshd(directory: string): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  for (const name of ["host", "user"]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, name)]);
  await writeFile(join(directory, "authorized"), await readFile(join(directory, "user.pub")), { mode: 0o600 });
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const free = createTcpServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const { port } = free.address() as AddressInfo; // listening on a port
  await new Promise((resolve) => free.close(resolve));
  const options = {
    ListenAddress: "127.0.0.1",
    Port: String(port),
    HostKey: join(directory, "host"),
    AuthorizedKeysFile: join(directory, "authorized"),
    StrictModes: "no",
    UsePAM: "no",
    PidFile: "none",
    PasswordAuthentication: "no",
    PermitRootLogin: "prohibit-password",
  };
  const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
  const found = (
    await Promise.all(
      program.map((path) =>
        stat(path).then(
          () => path,
          () => undefined,
        ),
      ),
    )
  ).find((path) => path !== undefined);
  if (found === undefined) throw new Error("sshd is not installed (openssh-server)");
  const child = spawn(
    found,
    ["-D", "-e", "-f", "/dev/null", ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`])],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Server listening")) resolve();
    });
    child.on("close", () => {
      reject(new Error(`sshd ended: ${said.slice(-200)}`));
    });
    child.on("error", reject);
  });
  return { port, child };
}
