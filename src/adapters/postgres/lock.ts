/**
 * Taken by every transaction that gives resourceVersions, and held to its commit: so versions become visible in their order.
 * (A sequence alone loses events: a list may return 116915 while 116914 is still to commit, and a watch from there never sees it.)
 * The number is "slipway" in ASCII.
 */
export const WRITER_LOCK = "32488822435963257";

export const TAKE_LOCK = `SELECT pg_advisory_xact_lock(${WRITER_LOCK})`;
