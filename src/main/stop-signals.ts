export interface StopSignals {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly signalled: Promise<void>;
  /** Signals have their usual effect again. */
  release(): void;
}

/** Listens for SIGINT, SIGTERM and SIGHUP (the terminal was closed), from now on: none is lost while the server is still starting. */
export function onStopSignals(told: { readonly first: (name: string) => void; readonly second: (name: string) => void }): StopSignals {
  const stop = new AbortController();
  const { promise: signalled, resolve } = Promise.withResolvers<undefined>();
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      told.second(name);
      return;
    }
    told.first(name);
    stop.abort(new Error(`asked to stop by ${name}`));
    resolve(undefined);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: stop.signal,
    signalled,
    release: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
