/** Those who wait for the same workers: one controller's work in one namespace. */
export interface Party {
  readonly controller: string;
  readonly namespace: string;
}

export const partyText = (party: Party): string => `${party.controller}/${party.namespace}`;

/**
 * Who has had more turns than the others lately, so that a thousand due keys of one project do not keep out the one key of another.
 * Start-time fair queueing (Goyal, Vin, Cheng 1996) with equal weights: `ahead` is a party's start tag less the virtual time; it is served after all with less.
 */
export interface Turns {
  readonly virtualTime: number;
  /** Finish tags above the virtual time, by partyText; all others are level with it. */
  readonly finished: ReadonlyMap<string, number>;
}

export const evenTurns: Turns = { virtualTime: 0, finished: new Map() };

/** How many turns a party is ahead of one that has not been served. */
export function turnsAhead(turns: Turns, party: Party): number {
  return Math.max(0, (turns.finished.get(partyText(party)) ?? 0) - turns.virtualTime);
}

/** The same after these were served, one entry for each turn taken. */
export function turnsAfter(turns: Turns, served: readonly Party[]): Turns {
  const finished = new Map(turns.finished);
  let virtualTime = turns.virtualTime;
  for (const party of served) {
    const start = Math.max(turns.virtualTime, finished.get(partyText(party)) ?? 0);
    finished.set(partyText(party), start + 1);
    virtualTime = Math.max(virtualTime, start);
  }
  for (const [party, tag] of finished) if (tag <= virtualTime) finished.delete(party);
  return { virtualTime, finished };
}
