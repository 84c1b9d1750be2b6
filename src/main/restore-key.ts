import { randomBytes } from "node:crypto";
import { link, open, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { masterKeyFromText, readMasterKey } from "../adapters/crypto/master-key-file.ts";
import type { MasterKey } from "../adapters/crypto/master-key.ts";
import { PortError } from "../ports/port-error.ts";
import type { MasterKeySource } from "./settings.ts";

/** The key that opens a backup, and from which file it is to be put into the data directory. */
export interface RestoreKey {
  readonly key: MasterKey;
  readonly copyFrom?: string;
}

/**
 * Finds the master key for a backup made with `fingerprint`: `--master-key-file`, else the environment, else the data directory. Throws PortError with
 * both fingerprints when it is another one, and with the way to it when there is none.
 */
export async function restoreKey(
  fingerprint: string,
  flag: string | undefined,
  configured: MasterKeySource,
  dataDirectory: string,
): Promise<RestoreKey> {
  const kept = join(dataDirectory, "master.key");
  const { key, where, ...copy } = await find(fingerprint, flag, configured, kept);
  if (key.fingerprint !== fingerprint)
    throw refused(
      `the backup was made with the master key ${fingerprint}, and ${where} is ${key.fingerprint}; ${WHERE_IT_IS} and name it with --master-key-file`,
    );
  if (flag === undefined || !(await exists(kept))) return { key, ...copy };
  const there = await readMasterKey(kept);
  if (there.fingerprint === fingerprint) return { key };
  throw refused(
    `${kept} is the master key ${there.fingerprint} of another Slipway, and the backup was made with ${fingerprint}; restore into another data directory, or move this one aside`,
  );
}

const WHERE_IT_IS = "find the one that server had (master.key in its data directory, or where you keep its copy)";

async function find(
  fingerprint: string,
  flag: string | undefined,
  configured: MasterKeySource,
  kept: string,
): Promise<{ readonly key: MasterKey; readonly where: string; readonly copyFrom?: string }> {
  if (flag !== undefined) return { key: await readMasterKey(flag), where: flag, copyFrom: flag };
  switch (configured.from) {
    case "file":
      return { key: await readMasterKey(configured.path), where: `${configured.path} (SLIPWAY_MASTER_KEY_FILE)` };
    case "environment":
      return { key: masterKeyFromText(configured.text, "SLIPWAY_MASTER_KEY"), where: "the one in SLIPWAY_MASTER_KEY" };
    case "dataDirectory":
      if (await exists(kept)) return { key: await readMasterKey(kept), where: kept };
      throw refused(
        `the secrets in the backup are sealed with the master key ${fingerprint}, which is needed to restore it; ${WHERE_IT_IS} and name it with --master-key-file`,
      );
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Puts a checked key file into the data directory, whole and 0600, unless one is there. */
export async function keepKey(from: string, dataDirectory: string): Promise<void> {
  const path = join(dataDirectory, "master.key");
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const file = await open(aside, "wx", 0o600);
    try {
      await file.writeFile(await readFile(from));
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return;
    throw refused(
      `the master key cannot be put to ${path} (${String(cause)}); make room or the folder writable there, then restore again`,
      cause,
    );
  } finally {
    await unlink(aside).catch(() => undefined);
  }
}

const refused = (message: string, cause?: unknown): PortError => new PortError("refused", message, { reason: "MasterKey", cause });
