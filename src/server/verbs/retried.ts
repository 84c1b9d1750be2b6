import { ResourceError } from "../../ports/resources.ts";

// As the API server's patch handler does (MaxRetryWhenPatchConflicts).
const ATTEMPTS = 5;

/** Does it again when another writer came between reading and writing; `attempt` reads anew each time. Gives up with the last `conflict`. */
export async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (made > ATTEMPTS || !isLostRace(error)) throw error;
    }
  }
}

/** Another writer was faster: the version moved on, or what was absent is there now. */
const isLostRace = (error: unknown): boolean =>
  error instanceof ResourceError && (error.reason === "conflict" || error.reason === "alreadyExists");
