import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * Where a restored store came from: the version of its backup, and the one it went on at, with a gap between them. The versions in the gap were given to
 * other changes before the restore; nobody may go on from one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slipway.horizon ADD COLUMN restored_from bigint, ADD COLUMN restored_at bigint`.execute(db);
}
