import type pg from "pg";

/** Runs `use` in a read-only transaction that shows one moment. The connection goes back clean, or not at all. */
export async function inSnapshot<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const begun = client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  begun.catch(() => undefined);
  try {
    const result = await use(client);
    await begun;
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    await client.query("ROLLBACK").then(
      () => {
        client.release();
      },
      () => {
        client.release(true);
      },
    );
    throw error;
  }
}
