import { setTimeout as sleep } from "node:timers/promises";
import { resourcesContract } from "../../ports/resources.contract.ts";
import type { OpenStore } from "../../ports/store.contract.ts";
import { instant } from "../../domain/units.ts";
import { majors, testDatabase } from "../../../test/fixtures/postgres.ts";
import { postgresStore } from "./postgres-store.ts";

const openOn =
  (major: number): OpenStore =>
  async (wiring) => {
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
  };

for (const major of majors) resourcesContract(`PostgreSQL ${major}`, openOn(major));
