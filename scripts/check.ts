// Usage: scripts/check.ts [types | lint | imports | dead-code | format ...]
// Runs the checks (all, or those named), prints one line for each, and closes with "N passed, N failed". Exits 1 when one failed.
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

interface Outcome {
  readonly ok: boolean;
  /** What was looked at, in a few words. */
  readonly seen: string;
  /** Everything a person needs to mend it; empty when ok. */
  readonly details: string;
}

interface Output {
  readonly status: number;
  readonly text: string;
}

const root = resolve(import.meta.dirname, "..");
const sources = globSync(["src/**/*.ts", "test/**/*.ts", "scripts/**/*.ts"], { cwd: root }).sort();

const checks: readonly (readonly [string, () => Promise<Outcome>])[] = [
  ["types", types],
  ["lint", lint],
  ["imports", imports],
  ["dead-code", deadCode],
  ["format", format],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some(([known]) => known === name));
if (unknown.length > 0) throw new Error(`no check is called ${unknown.join(", ")}; there are ${checks.map(([name]) => name).join(", ")}`);
const chosen = checks.filter(([name]) => wanted.length === 0 || wanted.includes(name));

let failures = 0;
for (const [name, check] of chosen) {
  const started = performance.now();
  const outcome = await check();
  if (!outcome.ok) failures += 1;
  if (outcome.details !== "") console.error(outcome.details.trimEnd());
  console.log(`${name}: ${outcome.ok ? "ok" : "FAILED"} (${outcome.seen}, ${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
console.log(`${chosen.length - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;

/** TypeScript 7 by path (node_modules/.bin/tsc may be either version): everything, then the domain without the types of Node. */
async function types(): Promise<Outcome> {
  const all = await runNode("node_modules/ts7/bin/tsc", ["-p", "tsconfig.json", "--listFiles"]);
  const hasDomain = sources.some((file) => file.startsWith("src/domain/") && !file.endsWith(".test.ts"));
  const domain = hasDomain ? await runNode("node_modules/ts7/bin/tsc", ["-p", "tsconfig.domain.json"]) : { status: 0, text: "" };
  const lines = all.text.split("\n");
  const checked = lines.filter((line) => line.startsWith(`${root}/`) && !line.includes("/node_modules/")).length;
  const errors = lines.filter((line) => !/^\/.*\.[cm]?ts$/.test(line)).join("\n");
  const details = [errors, domain.text === "" ? "" : `without the types of Node:\n${domain.text}`].join("\n").trim();
  return seeing(checked, sources.length, "files", { ok: all.status === 0 && domain.status === 0, details });
}

async function lint(): Promise<Outcome> {
  const { ESLint } = await import("eslint");
  const eslint = new ESLint({ cwd: root });
  const results = await eslint.lintFiles(sources);
  const formatter = await eslint.loadFormatter("stylish");
  const ok = results.every((result) => result.errorCount === 0 && result.warningCount === 0);
  return seeing(results.length, sources.length, "files", { ok, details: await formatter.format(results) });
}

/**
 * dependency-cruiser sees no import in a .ts file, and reports no violation, when it finds no TypeScript that it can use. So what it saw is
 * compared with what a plain text search finds.
 */
async function imports(): Promise<Outcome> {
  const folders = ["src", "test", "scripts"].filter((folder) => sources.some((file) => file.startsWith(`${folder}/`)));
  const args = ["--config", ".dependency-cruiser.cjs", "--output-type", "json", ...folders];
  const output = await runNode("node_modules/dependency-cruiser/bin/dependency-cruiser.mjs", args);
  const report = parseReport(output.text);
  if (report === undefined) return { ok: false, seen: "no report", details: output.text };
  const expectedEdges = sources.reduce((count, file) => count + countRelativeImports(readFileSync(resolve(root, file), "utf8")), 0);
  const details = report.violations.join("\n");
  const modules = seeing(report.modules, sources.length, "modules", { ok: report.violations.length === 0 && output.status === 0, details });
  const edges = seeing(report.localEdges, expectedEdges, "edges", { ok: modules.ok, details: modules.details });
  return { ...edges, seen: `${modules.seen}, ${edges.seen}` };
}

/** Statements of the form `import ... from "./x.ts"` or `export ... from "../y.ts"`, one edge for each file named. */
function countRelativeImports(text: string): number {
  return new Set([...text.matchAll(/^(?:import|export)\b[^;"]*?from "(\.{1,2}\/[^"]+\.ts)";/gm)].map(([, path]) => path)).size;
}

interface CruiseReport {
  readonly modules: number;
  readonly localEdges: number;
  readonly violations: readonly string[];
}

interface CruiseJson {
  modules: { source: string; dependencies: { resolved: string }[] }[];
  summary: {
    violations: { from: string; to: string; rule: { name: string }; comment?: string }[];
    ruleSetUsed: { forbidden: { name: string; comment?: string }[] };
  };
}

function parseReport(text: string): CruiseReport | undefined {
  let json: CruiseJson;
  try {
    // The JSON reporter of the pinned dependency-cruiser 18.7.2; another shape fails below and is reported as "no report".
    json = JSON.parse(text) as CruiseJson;
  } catch {
    return undefined;
  }
  const ours = json.modules.filter(({ source }) => /^(src|test|scripts)\/.*\.ts$/.test(source));
  const comments = new Map(json.summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
  return {
    modules: ours.length,
    localEdges: ours.flatMap(({ dependencies }) => dependencies).filter(({ resolved }) => /^(src|test|scripts)\//.test(resolved)).length,
    violations: json.summary.violations.map(({ from, to, rule }) => `${from} -> ${to}: ${comments.get(rule.name) ?? rule.name}`),
  };
}

async function deadCode(): Promise<Outcome> {
  const { status, text } = await runNode("node_modules/knip/bin/knip.js", ["--no-progress", "--no-config-hints"]);
  return { ok: status === 0, seen: `${sources.length} files`, details: text };
}

async function format(): Promise<Outcome> {
  const { status, text } = await runNode("node_modules/prettier/bin/prettier.cjs", ["--check", "--log-level=warn", "."]);
  return { ok: status === 0, seen: "all files", details: status === 0 ? "" : `${text}\nmend it with: npm run format` };
}

/** A check that looked at fewer things than there are fails, whatever it says about them. */
function seeing(seen: number, atLeast: number, noun: string, { ok, details }: { ok: boolean; details: string }): Outcome {
  if (seen >= atLeast) return { ok, seen: `${seen} ${noun}`, details };
  return {
    ok: false,
    seen: `${seen} ${noun}`,
    details: `${details}\nsaw ${seen} ${noun} where at least ${atLeast} exist: the check itself does not work`,
  };
}

function runNode(script: string, args: readonly string[]): Promise<Output> {
  // Plain text, also where CI=true makes a tool believe in colours.
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" };
  return new Promise((done) => {
    execFile(process.execPath, [script, ...args], { cwd: root, env, maxBuffer: 256 * 2 ** 20 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      done({ status, text: [stdout, stderr].filter((text) => text.trim() !== "").join("\n") });
    });
  });
}
