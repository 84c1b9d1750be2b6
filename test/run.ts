// Usage: test/run.ts [--full] [FILE | FOLDER | PART OF A PATH ...]
// Runs the tests and closes with one plain line: "N passed, N failed[, N skipped]". Exits 1 on a failure and when no test ran.
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Stage {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: readonly string[];
}

const root = resolve(import.meta.dirname, "..");
const full = process.argv.includes("--full");
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const minute = 60_000;
const isolatedLimit = `--test-timeout=${full ? 240 * minute : 20 * minute}`;

const files = globSync(["src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"], { cwd: root, exclude: ["test/fixtures/**"] })
  .sort()
  .filter(isWanted);
const isBench = (file: string): boolean => file.startsWith("test/bench/");
const isWorld = (file: string): boolean => !isBench(file) && (file.endsWith(".world.test.ts") || file.startsWith("test/"));

const stages: readonly Stage[] = [
  {
    name: "pure",
    files: files.filter((file) => !isWorld(file) && !isBench(file)),
    options: ["--test-isolation=none", `--test-timeout=${2 * minute}`],
  },
  { name: "world", files: files.filter(isWorld), options: ["--test-isolation=process", "--test-concurrency=2", isolatedLimit] },
  // A filter that names a benchmark runs it without --full as well, at its short numbers.
  {
    name: "bench",
    files: full || filters.length > 0 ? files.filter(isBench) : [],
    options: ["--test-isolation=process", "--test-concurrency=1", isolatedLimit],
  },
];

let total: Tally = { passed: 0, failed: 0, skipped: 0 };
for (const stage of stages) if (stage.files.length > 0) total = sum(total, await runStage(stage));

if (total.passed + total.failed === 0) {
  console.error(filters.length > 0 ? `no test ran: no test file matches ${filters.join(" ")}` : "no test ran");
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/** A filter is a file, a folder (also with ./ or absolute), or any part of a path. */
function isWanted(file: string): boolean {
  if (filters.length === 0) return true;
  return filters.some((filter) => {
    const path = relative(root, resolve(filter));
    return path === "" || file === path || file.startsWith(`${path}/`) || file.includes(filter);
  });
}

/** A test process that dies without telling its numbers counts as one failure. */
async function runStage(stage: Stage): Promise<Tally> {
  console.log(`${stage.name} tests: ${stage.files.length} files`);
  const folder = mkdtempSync(join(tmpdir(), "slipway-test-"));
  const tallyFile = join(folder, "tally.json");
  try {
    const status = await runNode([
      "--test",
      "--test-reporter=./test/reporter.ts",
      "--test-reporter-destination=stdout",
      "--test-reporter=./test/tally.ts",
      `--test-reporter-destination=${tallyFile}`,
      ...stage.options,
      ...stage.files,
    ]);
    const tally = readTally(tallyFile);
    if (tally === undefined) console.error(`the ${stage.name} tests ended with ${status} before they told their numbers`);
    const seen = tally ?? { passed: 0, failed: 1, skipped: 0 };
    return status !== "status 0" && seen.failed === 0 ? { ...seen, failed: 1 } : seen;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runNode(args: readonly string[]): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...(full ? { SLIPWAY_TEST_FULL: "1" } : {}) };
  // A run started from inside a test must not think that it is a part of that test.
  delete env["NODE_TEST_CONTEXT"];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  return new Promise((done, refuse) => {
    child.once("error", refuse);
    child.once("exit", (code, signal) => {
      done(signal === null ? `status ${code ?? "unknown"}` : signal);
    });
  });
}

function readTally(file: string): Tally | undefined {
  const [last] = readFileSync(file, "utf8").trim().split("\n").slice(-1);
  if (last === undefined || last === "") return undefined;
  const parsed: unknown = JSON.parse(last);
  const number = (name: string): number => Number(new Map<string, unknown>(Object.entries(Object(parsed))).get(name) ?? 0);
  return { passed: number("passed"), failed: number("failed"), skipped: number("skipped") };
}

function sum(left: Tally, right: Tally): Tally {
  return { passed: left.passed + right.passed, failed: left.failed + right.failed, skipped: left.skipped + right.skipped };
}
