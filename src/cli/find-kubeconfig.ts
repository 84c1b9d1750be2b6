import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CliError } from "./exit-codes.ts";

export interface Surroundings {
  /** `--kubeconfig`. */
  readonly flag: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingDirectory: string;
  /** The default of this user. */
  readonly dataDirectory: string;
}

export interface Candidate {
  readonly path: string;
  readonly from: "flag" | "environment" | "upward" | "data";
}

/**
 * Pure. Where the kubeconfig of the server may be, best first: `--kubeconfig`, SLIPWAY_KUBECONFIG, the nearest `.slipway/kubeconfig` upward, the data
 * directory (SLIPWAY_DATA or the default). What is named outright is the only place. Plain KUBECONFIG is of other clusters and never looked at.
 */
export function candidates({ flag, environment, workingDirectory, dataDirectory }: Surroundings): readonly Candidate[] {
  if (flag !== undefined) return [{ path: flag, from: "flag" }];
  const named = environment["SLIPWAY_KUBECONFIG"] ?? "";
  if (named !== "") return [{ path: named, from: "environment" }];
  const data = environment["SLIPWAY_DATA"] ?? "";
  return [
    ...upward(workingDirectory).map((folder): Candidate => ({ path: join(folder, ".slipway", "kubeconfig"), from: "upward" })),
    { path: join(data === "" ? dataDirectory : data, "kubeconfig"), from: "data" },
  ];
}

function upward(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upward(above)];
}

/**
 * The first place where there is one. A file that was found upward, and not named, must belong to this user or root: in a shared folder
 * another one's would send what we apply to a server of theirs. Throws CliError that says where it looked and what to do.
 */
export async function findKubeconfig(surroundings: Surroundings): Promise<Candidate> {
  const places = candidates(surroundings);
  const passedOver: string[] = [];
  for (const place of places) {
    const found = await stat(place.path).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    if (place.from !== "upward" || isTrusted(found.uid, surroundings.environment)) return place;
    passedOver.push(`${place.path} (passed over: it belongs to user ${found.uid})`);
  }
  throw new CliError("notFound", notFoundText(places, passedOver));
}

function isTrusted(owner: number, environment: Surroundings["environment"]): boolean {
  const me = process.geteuid?.();
  // under sudo the one who called it, as Git does it: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
  return me === undefined || owner === me || owner === 0 || (me === 0 && environment["SUDO_UID"] === String(owner));
}

function notFoundText(places: readonly Candidate[], passedOver: readonly string[]): string {
  const [first] = places;
  if (first?.from === "flag") return `there is no file ${first.path}, which --kubeconfig names; correct the path`;
  if (first?.from === "environment") return `there is no file ${first.path}, which SLIPWAY_KUBECONFIG names; correct or unset it`;
  const looked = [
    ...places.map(({ path }) => path).filter((path) => !passedOver.some((text) => text.startsWith(`${path} `))),
    ...passedOver,
  ];
  const lines = looked.map((path) => `  ${path}`).join("\n");
  return `no server was found; looked for\n${lines}\nStart one with \`slipway serve\`, or name the file of a running one with --kubeconfig or SLIPWAY_KUBECONFIG.`;
}
