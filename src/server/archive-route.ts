import type { Archive } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { Resources } from "../ports/resources.ts";
import { writeArchive } from "./archive-file.ts";
import type { Page } from "./http/routes.ts";

export const BACKUP_PATH = "/slipway.dev/backup";

export interface ArchiveRouteParts {
  readonly archive: Archive;
  /** The store itself: that somebody took a copy of everything is recorded, before the first byte leaves. */
  readonly resources: Resources;
  readonly clock: Pick<Clock, "now">;
  /** Slipway's version. */
  readonly release: string;
  readonly masterKeyFingerprint: string;
}

/** `GET /slipway.dev/backup`: the whole store as one file (archive-file.ts), made as it is sent. For those who may `get` this path. */
export function archiveRoute({ archive, resources, clock, release, masterKeyFingerprint }: ArchiveRouteParts): Page {
  return {
    path: BACKUP_PATH,
    async answer({ caller, method }) {
      const createdAt = new Date(clock.now()).toISOString();
      const header = { slipwayVersion: release, createdAt, masterKeyFingerprint };
      if (method === "GET") await recordIt(resources, caller);
      const name = `slipway-${createdAt.replaceAll(/[-:]|\.\d+/g, "")}.backup`;
      return {
        type: "stream",
        contentType: "application/gzip",
        headers: { "content-disposition": `attachment; filename="${name}"`, "cache-control": "no-store" },
        bytes: writeArchive(header, archive.export()),
      };
    },
  };
}

async function recordIt(resources: Resources, caller: Parameters<Page["answer"]>[0]["caller"]): Promise<void> {
  const { name, token, impersonatedBy } = caller;
  await resources.commit({
    writes: [],
    records: [
      {
        type: "audit",
        about: { group: "slipway.dev", resource: "backups", namespace: "", name: "everything" },
        actor: name,
        reason: "BackedUp",
        message: `${name} took a backup of everything`,
        details: { verb: "get", ...(token === undefined ? {} : { token }), ...(impersonatedBy === undefined ? {} : { impersonatedBy }) },
        retention: "long",
      },
    ],
  });
}
