import { setTimeout as sleep } from "node:timers/promises";
import { keyStoreContract } from "../../ports/key-store.contract.ts";
import { recordsContract } from "../../ports/records.contract.ts";
import { upkeepContract } from "../../ports/upkeep.contract.ts";
import { workContract } from "../../ports/work.contract.ts";
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

for (const major of majors) {
  for (const contract of [resourcesContract, workContract, recordsContract, upkeepContract, keyStoreContract])
    contract(`PostgreSQL ${major}`, openOn(major));
}
