// Usage: node scripts/with-node.mjs [--tools] FILE [ARGUMENT ...]
// Sets the checkout up, then runs FILE with the pinned Node. Plain JavaScript for Node >= 20.19.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { root, setUp } from "./setup.mjs";

const given = process.argv.slice(2);
const wantsTools = given[0] === "--tools";
const [file, ...rest] = wantsTools ? given.slice(1) : given;

try {
  if (file === undefined) throw new Error("with-node: name the file to run");
  const node = setUp();
  if (wantsTools) await installTools();
  run(node, [join(root, file), ...rest]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Tests that need a missing tool skip and say so, thus a failure here is told and not fatal. */
async function installTools() {
  const { installAll } = await import("./install-tools.mjs");
  for (const { name, error } of installAll())
    console.error(`slipway: ${name} could not be installed (${error}); the tests that need it are skipped`);
}

/** Ends with the status of the child. SIGINT and SIGTERM go to it, and it alone decides when to end. */
function run(node, args) {
  // The real process starts the right Node again when it says "node".
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ""}` };
  const child = spawn(node, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`slipway: ${node} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
