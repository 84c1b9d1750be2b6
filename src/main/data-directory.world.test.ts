import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PortError } from "../ports/port-error.ts";
import { defaultDataDirectory, openDataDirectory } from "./data-directory.ts";

const root = process.geteuid?.() === 0;

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-data-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const home = "/home/ann";
for (const { name, expected, ...at } of [
  { name: "root", root: true, platform: "linux", xdgDataHome: undefined, expected: "/var/lib/slipway" },
  { name: "root, whatever XDG says", root: true, platform: "linux", xdgDataHome: "/x", expected: "/var/lib/slipway" },
  { name: "an ordinary user", root: false, platform: "linux", xdgDataHome: undefined, expected: "/home/ann/.local/share/slipway" },
  { name: "XDG_DATA_HOME", root: false, platform: "linux", xdgDataHome: "/x", expected: "/x/slipway" },
  {
    name: "a relative XDG_DATA_HOME, which its specification ignores",
    root: false,
    platform: "linux",
    xdgDataHome: "x",
    expected: "/home/ann/.local/share/slipway",
  },
  { name: "macOS", root: false, platform: "darwin", xdgDataHome: undefined, expected: "/home/ann/Library/Application Support/slipway" },
] as const)
  test(`the default data directory of ${name}`, () => assert.equal(defaultDataDirectory({ home, ...at }), expected));

test("a new directory is made with its parents, marked, and closed to others as far as PostgreSQL's user allows", () =>
  inFolder(async (folder) => {
    const directory = await openDataDirectory(join(folder, "a", "b"));
    assert.deepEqual((await readdir(directory.path)).sort(), ["blobs", "control-plane.json", "control-plane.lock", "git", "slipway.json"]);
    assert.equal((await stat(directory.path)).mode & 0o777, root ? 0o711 : 0o700);
    for (const path of [directory.blobs, directory.git]) assert.equal((await stat(path)).mode & 0o777, 0o700);
    await directory.release();
  }));

test("opened again it is the same, also through a link, from an unfinished first time, and on a fresh disk", () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, "data", "lost+found"), { recursive: true });
    await writeFile(join(folder, "data", ".slipway-draft-of-a-killed-one"), "");
    await symlink("data", join(folder, "link"));
    for (const name of ["data", "link", "data"]) {
      const directory = await openDataDirectory(join(folder, name));
      assert.ok(directory.path.endsWith("/data"));
      await directory.release();
    }
  }));

test("a second server on one directory is refused with the process id of the first, and let in once that has ended in any way", () =>
  inFolder(async (folder) => {
    const module = new URL("./data-directory.ts", import.meta.url).href;
    const script = `const { openDataDirectory } = await import(${JSON.stringify(module)}); await openDataDirectory(process.argv[1]); console.log("open"); setInterval(() => {}, 1e6);`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script, join(folder, "data")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(other.stdout, "data");
    await assert.rejects(openDataDirectory(join(folder, "data")), (error: PortError) => {
      assert.equal(error.reason, "DataDirectoryInUse");
      assert.match(
        error.message,
        new RegExp(`in use by another Slipway server \\(process ${other.pid}\\).*"slipway down".*"kill ${other.pid}"`),
      );
      return true;
    });
    other.kill("SIGKILL");
    await once(other, "exit");
    const mine = await openDataDirectory(join(folder, "data"));
    await assert.rejects(openDataDirectory(join(folder, "data")), new RegExp(`process ${process.pid}`));
    await mine.release();
    await mine.release();
    await (await openDataDirectory(join(folder, "data"))).release();
  }));

test("the process that is asked to hold the lock's file open does not pass it on to its children", () =>
  inFolder(async (folder) => {
    const directory = await openDataDirectory(join(folder, "data"));
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await directory.release();
    const again = await openDataDirectory(join(folder, "data"));
    await again.release();
    child.kill("SIGKILL");
  }));

interface Case {
  readonly name: string;
  /** Returns the path to open. */
  readonly prepare: (folder: string) => Promise<string>;
  readonly reason: string;
  readonly says: RegExp;
  readonly skip?: string | false;
}

const cases: readonly Case[] = [
  {
    name: "a directory of somebody else",
    prepare: async (folder) => {
      for (const name of ["a.txt", "b.txt", "c.txt", "d\n.txt"]) await writeFile(join(folder, name), "");
      return folder;
    },
    reason: "ForeignDirectory",
    says: /is not empty and not a data directory of Slipway \(it has no slipway\.json, but ".*\.txt", .* and more\); choose an empty or new directory/,
  },
  {
    name: "a damaged mark",
    prepare: async (folder) => {
      await writeFile(join(folder, "slipway.json"), "\0\0");
      return folder;
    },
    reason: "CorruptDirectory",
    says: /slipway\.json is damaged.*write \{"format":1\} into it, else choose another directory/,
  },
  {
    name: "a layout of a newer Slipway",
    prepare: async (folder) => {
      await writeFile(join(folder, "slipway.json"), '{"format":2}');
      return folder;
    },
    reason: "NewerFormat",
    says: /newer Slipway \(layout 2, this is \d+\.\d+\.\d+.* with layout 1\).*`slipway backup` there and `slipway restore` here/,
  },
  {
    name: "a file",
    prepare: async (folder) => {
      await writeFile(join(folder, "file"), "");
      return join(folder, "file");
    },
    reason: "BadPath",
    says: /is a file; move that file away, or choose another/,
  },
  {
    name: "a file above it",
    prepare: async (folder) => {
      await writeFile(join(folder, "file"), "");
      return join(folder, "file", "data");
    },
    reason: "BadPath",
    says: /something above it, is a file/,
  },
  {
    name: "a path that is too long",
    prepare: async (folder) => join(folder, ...Array<string>(10).fill("x".repeat(100))),
    reason: "BadPath",
    says: /has \d+ bytes, PostgreSQL takes 800.*choose a shorter one/,
  },
  {
    name: "a name that is too long",
    prepare: async (folder) => join(folder, "x".repeat(300)),
    reason: "BadPath",
    says: /a name in it is too long/,
  },
  ...['"', "$(id)", "`", "\\", "\n", "\r", "\0", "\u001b", "\u{FFFD}"].map((bad) => ({
    name: `a path with ${JSON.stringify(bad)}`,
    prepare: async (folder: string) => join(folder, `a${bad}b`),
    reason: "BadPath",
    says: /holds the character .*, which PostgreSQL's tools cannot take; choose another path/,
  })),
  {
    name: "links in a circle",
    prepare: async (folder) => {
      await symlink("b", join(folder, "a"));
      await symlink("a", join(folder, "b"));
      return join(folder, "a");
    },
    reason: "BadPath",
    says: /links go in a circle|is a file/,
  },
  {
    name: "a lock file that is something else",
    prepare: async (folder) => {
      await writeFile(join(folder, "slipway.json"), '{"format":1}');
      await writeFile(join(folder, "control-plane.lock"), "x".repeat(5000));
      return folder;
    },
    reason: "NoLock",
    says: /control-plane\.lock cannot be taken .*remove it/,
  },
  {
    name: "a directory that belongs to another user, as root",
    prepare: async (folder) => {
      await chown(folder, 65_534, 65_534);
      return folder;
    },
    reason: "NoPermission",
    says: /belongs to the user with id 65534, and this is user 0; give it to root \("chown root '/,
    skip: !root && "needs root",
  },
  {
    name: "a directory that may not be written, as an ordinary user",
    prepare: async (folder) => {
      await chmod(folder, 0o500);
      return join(folder, "data");
    },
    reason: "NoPermission",
    says: /no permission; allow this user to write in /,
    skip: root && "root may write anywhere; tested with an ordinary user in test/e2e",
  },
];

for (const { name, prepare, reason, says, skip } of cases)
  test(`refused with the way out, and left as it was: ${name}`, { skip: skip ?? false }, () =>
    inFolder(async (folder) => {
      const path = await prepare(folder);
      const before = await readdir(folder);
      const error = await openDataDirectory(path).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      assert.ok(error instanceof PortError, String(error));
      assert.match(error.message, says);
      assert.equal(error.reason, reason);
      assert.equal(error.outcome, "refused");
      assert.ok(!/[\0\u001b\r]/.test(error.message), "the message holds a control character of the path");
      assert.deepEqual(await readdir(folder), before);
    }),
  );

test(
  "a read-only and a full file system are told as such",
  { skip: (!root || process.platform !== "linux") && "needs root and Linux" },
  (t) =>
    inFolder(async (folder) => {
      const disk = join(folder, "disk");
      await mkdir(disk);
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
      } catch {
        t.skip("a tmpfs cannot be mounted here");
        return;
      }
      try {
        await writeFile(join(disk, "ballast"), Buffer.alloc(1 << 20)).catch(() => undefined);
        await mkdir(join(disk, "data"), { recursive: true }).catch(() => undefined);
        await assert.rejects(
          openDataDirectory(join(disk, "data")),
          /the disk that holds the data directory .* is full; free at least 200 MB/,
        );
        await writeFile(join(disk, "ballast"), "");
        await (await openDataDirectory(join(disk, "data"))).release();
        const mark = await readFile(join(disk, "data", "slipway.json"), "utf8");
        execFileSync("mount", ["-o", "remount,ro", disk]);
        await assert.rejects(
          openDataDirectory(join(disk, "data")),
          /mounted read-only; mount it writable, or choose another data directory/,
        );
        assert.equal(await readFile(join(disk, "data", "slipway.json"), "utf8"), mark);
      } finally {
        execFileSync("umount", ["-l", disk]);
      }
    }),
);
