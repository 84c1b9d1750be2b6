import { isStorable } from "../../domain/object/storable-text.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import { told } from "./database.ts";
import type { Database } from "./database.ts";

export function postgresKeys(database: Database): KeyStore {
  const read = async (name: string): Promise<Uint8Array | undefined> => {
    if (!isStorable(name)) return undefined;
    const { rows } = await database.readers.query<{ value: Buffer }>("SELECT value FROM slipway.keys WHERE name = $1", [name]);
    const value = rows[0]?.value;
    return value === undefined ? undefined : new Uint8Array(value);
  };
  return {
    read: (name) => told(database, () => read(name)),
    putIfAbsent: (name, value) =>
      told(database, async () => {
        await database.readers.query("INSERT INTO slipway.keys (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", [
          name,
          Buffer.from(value),
        ]);
        const kept = await read(name);
        if (kept === undefined) throw new Error(`the key ${name} was removed while it was stored; start again`);
        return kept;
      }),
  };
}
