import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const bin = join(root, "bin", "slipway");

/** PATH with a `node` of the given version first, of which only `-v` works. */
async function withFakeNode(version: string, folder: string): Promise<NodeJS.ProcessEnv> {
  await writeFile(join(folder, "node"), `#!/bin/sh\n[ "$1" = -v ] && echo ${version} && exit 0\necho "the wrong node ran" >&2\nexit 9\n`, {
    mode: 0o755,
  });
  return { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-package-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("bin/slipway starts with the pinned Node where the one on PATH is too old, also through a link", () =>
  inFolder(async (folder) => {
    const link = join(folder, "slipway-link");
    await symlink(bin, link);
    const { stdout } = await run(link, ["version", "--client"], { env: await withFakeNode("v20.19.0", folder) });
    assert.match(stdout, /^client \d+\.\d+\.\d+$/m);
  }));

test("bin/slipway is replaced by Slipway itself: there is no process in between that a signal could miss", () =>
  inFolder(async (folder) => {
    // A `node` that is new enough and tells its process id in place of running anything.
    await writeFile(join(folder, "node"), '#!/bin/sh\n[ "$1" = -v ] && echo v24.0.0 && exit 0\necho "$$ $2 $3"\n', { mode: 0o755 });
    const child = spawn(bin, ["get", "an argument with spaces"], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    for await (const chunk of child.stdout) output += String(chunk);
    assert.equal(output, `${String(child.pid)} get an argument with spaces\n`);
  }));

test("without any Node >= 24, bin/slipway says what to do", () =>
  inFolder(async (folder) => {
    await run("cp", ["-R", join(root, "bin"), folder]);
    const env = await withFakeNode("v20.19.0", folder);
    await assert.rejects(
      run(join(folder, "bin", "slipway"), ["version", "--client"], { env }),
      (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.match(error.stderr, /needs Node 24 or newer; the one on PATH is v20\.19\.0/);
        assert.match(error.stderr, /install Node 24 from https:\/\/nodejs\.org/);
        return true;
      },
    );
  }));

test("the packed package works in an empty folder", () =>
  inFolder(async (folder) => {
    await run("npm", ["pack", "--loglevel=error", "--pack-destination", folder], { cwd: root });
    const archive = (await readdir(folder)).find((file) => file.endsWith(".tgz"));
    assert.ok(archive !== undefined, "npm pack made no archive");
    await writeFile(join(folder, "package.json"), "{}");
    await run("npm", ["install", "--loglevel=error", "--no-audit", "--no-fund", join(folder, archive)], { cwd: folder });
    const { stdout } = await run("npx", ["--no-install", "slipway", "version", "--client"], { cwd: folder });
    assert.match(stdout, /^client \d+\.\d+\.\d+$/m);
    assert.deepEqual((await readdir(join(folder, "node_modules", "slipway"))).sort(), (await packedNames()).sort());
  }));

/** The top folder of the package: what package.json lists, as far as it exists. */
async function packedNames(): Promise<string[]> {
  const wanted = ["LICENSE", "README.md", "bin", "dist", "package.json"];
  const present = await readdir(root);
  return wanted.filter((name) => present.includes(name));
}
