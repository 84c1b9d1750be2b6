import type { Certificates, ServedCertificate } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import { later, seconds } from "../../domain/units.ts";

const LOOK_EVERY = seconds(6 * 3600);

/**
 * Hands the listener its certificate, and a new one whenever that is due, without a restart: `apply` calls `server.setSecureContext`. `names` is asked
 * each time, since they may change. Resolves when the first is applied; goes on until the signal. What fails later goes to `failed` and is tried again.
 */
export async function keepServing(
  certificates: Certificates,
  names: () => readonly string[],
  apply: (served: ServedCertificate) => void,
  options: { readonly clock: Clock; readonly signal: AbortSignal; readonly failed: (error: unknown) => void },
): Promise<void> {
  let current = await certificates.serving(names());
  apply(current);
  const renew = async (): Promise<void> => {
    const next = await certificates.serving(names());
    if (next !== current) apply(next);
    current = next;
  };
  const loop = async (): Promise<void> => {
    for (;;) {
      await options.clock.until(later(options.clock.now(), LOOK_EVERY), options.signal);
      await renew().catch(options.failed);
    }
  };
  // ends by the signal only
  loop().catch(() => undefined);
}
