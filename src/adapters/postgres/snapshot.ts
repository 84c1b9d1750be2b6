import type pg from "pg";
import { told } from "./database.ts";
import type { Database } from "./database.ts";

/** Runs `use` in a read-only transaction that shows one moment. The connection goes back clean, or not at all. What `use` throws comes out as it is. */
export async function inSnapshot<T>(database: Database, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await told(database, () => database.readers.connect());
  // Not waited for: it travels together with the first read.
  const begun = client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  begun.catch(() => undefined);
  try {
    const result = await use(client);
    await told(database, () => Promise.all([begun, client.query("COMMIT")]));
    client.release();
    return result;
  } catch (error) {
    await giveBack(client);
    throw error;
  }
}

async function giveBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query("ROLLBACK");
    client.release();
  } catch {
    client.release(true);
  }
}
