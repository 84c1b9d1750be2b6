import type { ServerHealth } from "../adapters/postgres/server/keep-running.ts";
import type { Log } from "../ports/log.ts";
import type { HealthCheck } from "../server/http/health.ts";

/** The same check; what /readyz keeps from strangers, the reason, is logged when it begins to fail, and that it is well again. */
export function logged(check: HealthCheck, log: Log): HealthCheck {
  let failing = false;
  return {
    ...check,
    check: async (signal) => {
      try {
        await check.check(signal);
      } catch (error) {
        if (!failing) log.warn({ check: check.name, error: error instanceof Error ? error.message : String(error) }, "not ready");
        failing = true;
        throw error;
      }
      if (failing) log.info({ check: check.name }, "ready again");
      failing = false;
    },
  };
}

/** Not ready while the embedded PostgreSQL is down; it is being started again meanwhile. */
export function postgresCheck(health: () => ServerHealth): HealthCheck {
  return {
    name: "postgres",
    for: "ready",
    check: () => {
      const seen = health();
      switch (seen.state) {
        case "ready":
          return Promise.resolve();
        case "stopped":
          return Promise.reject(new Error("the embedded PostgreSQL was stopped"));
        case "down":
          return Promise.reject(
            new Error(`the embedded PostgreSQL is down (${seen.reason}); it is started again in ${Math.ceil(seen.retryInMs / 1000)} s`),
          );
      }
    },
  };
}
