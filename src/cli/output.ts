import { CliError } from "./exit-codes.ts";

export type Format = "json" | "yaml" | "wide" | "name";

/** The format that -o names, undefined for the one for people. Throws CliError where the verb does not have it. */
export function outputOf<const F extends Format>(flag: string | undefined, allowed: readonly F[]): F | undefined {
  if (flag === undefined) return undefined;
  const found = allowed.find((format) => format === flag);
  if (found !== undefined) return found;
  throw new CliError("misused", `-o ${flag} is not known here; there are ${allowed.join(", ")}`);
}
