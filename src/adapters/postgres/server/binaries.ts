import { randomUUID } from "node:crypto";
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { PortError } from "../../../ports/port-error.ts";
import { howToInstall, places } from "./find-binaries.ts";
import type { Place } from "./find-binaries.ts";
import { runAs } from "./run-as.ts";
import type { SystemUser } from "./run-as.ts";
import { folderError } from "./start-failure.ts";

/** PostgreSQL's programs (`initdb`, `postgres`), tried: they run as the user that shall run them. */
export interface Binaries {
  readonly bin: string;
  readonly version: string;
  readonly major: number;
}

/** The oldest major that the SQL is written for. */
const oldestMajor = 15;

/**
 * The first place that has a PostgreSQL of `major` (undefined: any from 15 on) which runs as `user`. A package's programs are copied to
 * `directory`/bin-VERSION when they cannot be used where they are. Undefined when there are programs, but none of that major.
 */
export async function chooseBinaries(
  directory: string,
  user: SystemUser | undefined,
  major: number | undefined,
  given: string | undefined,
): Promise<Binaries | undefined> {
  const refused: string[] = [];
  let other = false;
  for (const place of given === undefined ? await places() : [{ kind: "folder", bin: resolve(given) } as const]) {
    if (place.kind === "package" && major !== undefined && Number.parseInt(place.version) !== major) {
      other = true;
      continue;
    }
    const tried = await prepare(place, directory, user);
    if (typeof tried === "string") refused.push(tried);
    else if (tried.major < oldestMajor) refused.push(`${tried.bin} is PostgreSQL ${tried.version}, older than ${oldestMajor}`);
    else if (major !== undefined && tried.major !== major) other = true;
    else return tried;
  }
  if (other) return undefined;
  const tried = refused.length === 0 ? "" : ` (${refused.join("; ")})`;
  throw new PortError("refused", `no PostgreSQL was found that runs here${tried}; ${howToInstall}`, { reason: "NoPostgres" });
}

/** Removes copies of other versions. Not to be called while a server still runs from one. */
export async function removeOtherCopies(directory: string, used: string): Promise<void> {
  const keep = basename(dirname(used));
  const names = (await readdir(directory)).filter((name) => name.startsWith("bin-") && name !== keep);
  await Promise.all(names.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

async function prepare(place: Place, directory: string, user: SystemUser | undefined): Promise<Binaries | string> {
  switch (place.kind) {
    case "folder":
      return probe(place.bin, user);
    case "package": {
      const native = join(place.root, "native");
      // As root the package often lies in a home that the server's user may not enter; and its owner could change what root starts.
      if (user === undefined && isPlain(native) && !(await lacksLinks(place.root))) {
        const inPlace = await probe(join(native, "bin"), user);
        if (typeof inPlace !== "string") return inPlace;
      }
      return probe(join(await copyOf(place, directory), "bin"), user);
    }
  }
}

async function probe(bin: string, user: SystemUser | undefined): Promise<Binaries | string> {
  if (!isPlain(bin)) return `${bin} has a character in its path that initdb would give to a shell`;
  for (const program of ["initdb", "postgres"]) {
    const { status, output } = await runAs(user, join(bin, program), ["--version"], { timeoutSeconds: 20 });
    const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(output);
    if (status !== 0 || version === null) return `${join(bin, program)} does not run: ${output.slice(0, 300)} (${status})`;
    if (program === "postgres") return { bin, version: `${version[1] ?? ""}${version[2] ?? ""}`, major: Number(version[1]) };
  }
  return `${bin} has no programs`;
}

/** initdb starts `postgres` by its path in double quotes through a shell (find_other_exec and popen in PostgreSQL's source). */
function isPlain(path: string): boolean {
  return !/["$`\\\n\r]/.test(path);
}

async function lacksLinks(root: string): Promise<boolean> {
  const there = await Promise.all(
    (await libraryLinks(root)).map(({ target }) =>
      lstat(join(root, target)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.includes(false);
}

/** Copies into a folder with a name of its own and renames it, so that a folder with the final name is always whole. */
async function copyOf(place: { readonly root: string; readonly version: string }, directory: string): Promise<string> {
  const final = join(directory, `bin-${place.version}`);
  if (
    await lstat(final).then(
      () => true,
      () => false,
    )
  )
    return final;
  const draft = join(directory, `bin-incomplete-${randomUUID()}`);
  try {
    await cp(join(place.root, "native"), draft, { recursive: true, verbatimSymlinks: true, filter: isNeeded });
    for (const { source, target } of await libraryLinks(place.root))
      await link(draft, relative("native", source), relative("native", target));
    await makeReadable(draft);
    await rename(draft, final);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    if (
      await lstat(final).then(
        () => true,
        () => false,
      )
    )
      return final;
    throw folderError("copying PostgreSQL's programs (60 MB)", directory, cause);
  }
  return final;
}

/** Header files and static libraries are for compiling against it. */
function isNeeded(source: string): boolean {
  return extname(source) !== ".a" && !source.includes(`${sep}native${sep}include`) && basename(source) !== "pkgconfig";
}

/**
 * The library links that an npm package cannot carry, as `native/pg-symlinks.json` of the package lists them ({ source, target }, relative to the package).
 * Its install script makes them, where npm was allowed to run it.
 */
async function libraryLinks(root: string): Promise<readonly { readonly source: string; readonly target: string }[]> {
  const text = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null || !("source" in entry) || !("target" in entry)) return [];
    const { source, target } = entry;
    return isInside(source) && isInside(target) ? [{ source, target }] : [];
  });
}

function isInside(path: unknown): path is string {
  return typeof path === "string" && path.startsWith("native/") && !path.split("/").includes("..");
}

async function link(root: string, source: string, target: string): Promise<void> {
  await mkdir(dirname(join(root, target)), { recursive: true });
  await rm(join(root, target), { force: true });
  await symlink(relative(dirname(target), source), join(root, target));
}

/** For all to read, for the owner alone to change: npm's modes follow the umask of whoever installed. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === "bin" ? 0o755 : 0o644);
  }
}
