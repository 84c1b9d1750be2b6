import { readFileSync } from "node:fs";

/** The version in package.json: one folder up from the published bundle, two from this source. Throws when neither is Slipway's. */
export function slipwayVersion(): string {
  for (const above of ["../package.json", "../../package.json"]) {
    const manifest = readManifest(new URL(above, import.meta.url));
    if (manifest?.name === "slipway") return manifest.version;
  }
  throw new Error(`no package.json of slipway was found beside ${import.meta.url}; install the package again`);
}

function readManifest(file: URL): { name: string; version: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("name" in parsed) || !("version" in parsed)) return undefined;
    return { name: String(parsed.name), version: String(parsed.version) };
  } catch {
    return undefined; // absent or unreadable here; the other place decides
  }
}
