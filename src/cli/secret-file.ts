import { open, rename, rm } from "node:fs/promises";
import { stat } from "node:fs/promises";
import { CliError } from "./exit-codes.ts";

/** Throws CliError where the file is there already and may not be replaced: asked before anything is made that would then have no place. */
export async function checkFree(path: string, force: boolean): Promise<void> {
  if (force || (await stat(path).catch(() => undefined)) === undefined) return;
  throw new CliError("conflict", `${path} is there already; choose another file, or replace it with --force`);
}

/** Writes a file that only this user may read (0600), whole or not at all; replaces one only with `force`. Throws CliError. */
export async function writeSecretFile(path: string, text: string, force: boolean): Promise<void> {
  const draft = force ? `${path}.${process.pid}.new` : path;
  try {
    // "wx" never follows a link that somebody put there
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    if (force) await rename(draft, path);
  } catch (error) {
    if (force) await rm(draft, { force: true });
    const code = error instanceof Error && "code" in error ? error.code : "";
    const why =
      code === "EEXIST"
        ? "it is there already"
        : code === "ENOENT"
          ? "its folder does not exist"
          : code === "EACCES"
            ? "no permission"
            : String(error);
    throw new CliError("failed", `${path} cannot be written: ${why}; choose another file`, { cause: error });
  }
}
