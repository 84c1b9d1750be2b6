/** Keys and certificates that all control planes of one store share. What is kept here is wrapped by the caller: the store never sees a key in clear. */
export interface KeyStore {
  read(name: string): Promise<Uint8Array | undefined>;
  /** Keeps `value` unless the name is taken; returns what is kept now, so that of several that start at once all use the same. */
  putIfAbsent(name: string, value: Uint8Array): Promise<Uint8Array>;
}
