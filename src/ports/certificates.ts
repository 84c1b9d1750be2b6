/** The certificates this installation makes for itself. All control planes of one store have the same authority. */
export interface Certificates {
  /** The certificate of our CA, as PEM: what clients trust. Public. */
  readonly authority: string;
  /**
   * A certificate for these names (host names and IP addresses) with its key. The same as last time while it has 30 days left and the names are the
   * same, so it can be asked for as often as one likes.
   */
  serving(names: readonly string[]): Promise<ServedCertificate>;
}

export interface ServedCertificate {
  /** The certificate and its CA, as PEM. */
  readonly certificate: string;
  /** The private key, PKCS #8 as PEM. Kept in memory only. */
  readonly key: string;
}
