import { instant } from "../../domain/units.ts";
import { gitRepositories } from "./git.ts";

// For tests only: one write in a process of its own, to be killed. Arguments: root, url, key. Adds one to the file `counter` and notes the key in a file.

const [root = "", url = "", key = ""] = process.argv.slice(2);
const { writer } = gitRepositories({ root, environment: process.env, now: () => instant(Date.now()) });
const more = (found: Uint8Array | "absent") => ({
  kind: "write" as const,
  next: Buffer.from(String(Number(found === "absent" ? 0 : Buffer.from(found).toString()) + 1)),
});
const edits = [
  { path: "counter", decide: more },
  { path: `by/${key}`, decide: () => ({ kind: "write" as const, next: Buffer.from(key) }) },
];
const outcome = await writer.write(
  { url },
  "main",
  { key, edits, author: { name: "Ann", email: "ann@example.com" }, message: `Write ${key}` },
  new AbortController().signal,
);
process.stdout.write(outcome.outcome);
