/** The release in the gitVersion of a Slipway server, `v1.35.0-slipway.0.1.0`; undefined for another server. */
export const releaseIn = (gitVersion: string): string | undefined => /-slipway\.(\d+\.\d+\.\d+\S*)$/.exec(gitVersion)?.[1];

export type Skew = { readonly kind: "same" | "supported" | "unknown" } | { readonly kind: "tooFar"; readonly older: "client" | "server" };

/** Neighbours speak versions N and N-1, counted in minor versions of one major version. */
export function skewOf(client: string, server: string): Skew {
  const [ours, theirs] = [numbersOf(client), numbersOf(server)];
  if (ours === undefined || theirs === undefined) return { kind: "unknown" };
  const [major, minor] = [ours.major - theirs.major, ours.minor - theirs.minor];
  if (major === 0 && minor === 0) return { kind: "same" };
  if (major === 0 && Math.abs(minor) === 1) return { kind: "supported" };
  return { kind: "tooFar", older: major < 0 || (major === 0 && minor < 0) ? "client" : "server" };
}

/** What to tell about it; "" where there is nothing to tell. */
export function skewText(client: string, server: string): string {
  const skew = skewOf(client, server);
  switch (skew.kind) {
    case "same":
      return "";
    case "supported":
      return `client ${client} and server ${server} are one minor version apart, which works`;
    case "unknown":
      return `server ${server} is no known version of Slipway; some of what this client asks may not be there`;
    case "tooFar":
      return `client ${client} and server ${server} are more than one minor version apart, which is not supported; upgrade the ${skew.older}`;
  }
}

function numbersOf(version: string): { readonly major: number; readonly minor: number } | undefined {
  const [, major, minor] = /^(\d{1,9})\.(\d{1,9})\.\d/.exec(version) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
