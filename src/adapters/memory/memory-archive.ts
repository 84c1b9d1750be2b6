import { counted, isEvent, NOTHING_COUNTED, restoredVersion } from "../../ports/archive.ts";
import type { Archive, ArchivedObject, ArchiveEntry } from "../../ports/archive.ts";
import { keyText } from "../../domain/object/api-object.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { Clock } from "../../ports/clock.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Derivations, WakeRule } from "../../ports/resources.ts";
import { restoredRow } from "../../ports/restored-row.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { MemoryLog } from "./memory-log.ts";

interface Parts {
  readonly log: MemoryLog;
  readonly keys: Map<string, Uint8Array>;
  readonly derivations: Derivations;
  readonly sealer: Sealer | undefined;
  readonly clock: Pick<Clock, "now">;
  /** Makes work due; every object is there by then. */
  readonly wake: (rules: readonly WakeRule[]) => void;
}

const BATCH = 100;

/** The moment of an export is that of its first batch. */
export function memoryArchive(parts: Parts): Archive {
  const { log, keys } = parts;
  const isEmpty = () => log.last === 1 && log.kept().length === 0 && log.records.length === 0 && keys.size === 0;
  return {
    export: async function* () {
      await Promise.resolve();
      const all = entriesOf(parts);
      for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH);
    },
    restore: async (batches) => {
      if (!isEmpty()) throw notEmpty();
      const all: ArchiveEntry[] = [];
      for await (const batch of batches) all.push(...batch);
      const [first] = all;
      if (first?.type !== "position")
        throw new PortError("refused", "the backup does not begin with its position; use another one", { reason: "BadBackup" });
      const objects = all.filter((entry) => entry.type === "object");
      const restored = objects.map((object) => ({
        object,
        ...restoredRow(object, first.resourceVersion, parts.derivations, parts.sealer),
      }));
      if (!isEmpty()) throw notEmpty();
      log.load(
        first.resourceVersion,
        restoredVersion(first.resourceVersion, parts.clock.now()),
        restored.map(({ row }) => row),
        all.flatMap((entry) => (entry.type === "record" ? [entry.record] : [])),
      );
      for (const { key, lastSeen } of objects) if (lastSeen !== undefined) log.lastSeen.set(keyText(key), lastSeen);
      for (const entry of all) if (entry.type === "key") keys.set(entry.name, entry.value.slice());
      parts.wake(restored.flatMap(({ wakes }) => wakes));
      return counted(NOTHING_COUNTED, all);
    },
    isEmpty: async () => {
      await Promise.resolve();
      return isEmpty();
    },
  };
}

function entriesOf({ log, keys, sealer }: Parts): readonly ArchiveEntry[] {
  const objectEntry = ({ key, uid, version, text }: ReturnType<MemoryLog["kept"]>[number]): ArchivedObject => ({
    type: "object",
    key,
    uid,
    resourceVersion: version,
    ...lastSeen(log, key),
    text,
    sealed: sealer?.seals(key) === true,
  });
  return [
    { type: "position", resourceVersion: log.last, lastRecord: log.records.at(-1)?.position ?? 0 },
    ...log.kept().map(objectEntry),
    ...log.records.map((record) => ({ type: "record" as const, record })),
    ...[...keys].map(([name, value]) => ({ type: "key" as const, name, value: value.slice() })),
  ];
}

function lastSeen(log: MemoryLog, key: ObjectKey): Pick<ArchivedObject, "lastSeen"> {
  const at = isEvent(key) ? log.lastSeen.get(keyText(key)) : undefined;
  return at === undefined ? {} : { lastSeen: at };
}

const notEmpty = (): PortError =>
  new PortError("refused", "this store already holds a Slipway; a backup is restored onto an empty one only", { reason: "StoreNotEmpty" });
