import { setTimeout as sleep } from "node:timers/promises";
import { majors, testDatabase } from "../../../test/fixtures/postgres.ts";
import { instant } from "../../domain/units.ts";
import { archiveContract } from "../../ports/archive.contract.ts";
import { postgresStore } from "./postgres-store.ts";

for (const major of majors)
  archiveContract(`PostgreSQL ${major}`, async (wiring) => {
    const database = await testDatabase(major);
    const store = postgresStore({ connectionString: database.connectionString, ...wiring });
    await store.ready();
    return {
      ...store,
      clock: { now: () => instant(Date.now()) },
      passes: (length) => sleep(length),
      close: async () => {
        await store.close();
        await database.drop();
      },
    };
  });
